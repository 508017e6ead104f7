"""Everything that uses ffmpeg: finds it, probes files and compresses them."""
