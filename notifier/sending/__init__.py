"""The verbs, and who may do them: the only door for handlers, amqp and the command line."""
