"""The arq worker: polls Rally, settles watches and sends their deliveries."""
