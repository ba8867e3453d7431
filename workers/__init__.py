"""The arq worker: asks Rally, settles watches, delivers what they owe."""
