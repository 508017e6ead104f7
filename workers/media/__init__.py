"""Everything that touches ffmpeg: finding it, asking it about a file, having it compress one."""
