"""The console: server-rendered pages under /console for operators and clients, who sign in with an API key."""
