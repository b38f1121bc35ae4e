"""The experiment file: frozen, validated settings and presets."""
