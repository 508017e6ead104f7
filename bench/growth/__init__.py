"""What CloudKeep's stores take for what they keep; each module measures one of them."""
