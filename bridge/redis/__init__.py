"""What the store, the queue and the command line share about Redis: how to connect, and what its errors mean."""
