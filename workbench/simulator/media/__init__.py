"""Sound: what the parties and the platform let be heard, and where it arrives. Loaded when the first ear or tap needs it."""
