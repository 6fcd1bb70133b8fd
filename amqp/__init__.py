"""RabbitMQ: notifications come in, results go out.

:mod:`amqp.broker` is the one file that knows pika. :class:`amqp.consumer.Consumer` keeps a
connection and replaces it, :class:`amqp.worker.Worker` turns the messages of one connection
into notifications, and the rest decides without I/O what may be acknowledged, confirmed,
retried and answered.
"""
