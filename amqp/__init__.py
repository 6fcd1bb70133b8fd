"""RabbitMQ: notifications come in, results go out.

:mod:`amqp.broker` and :mod:`amqp.frames` alone know pika.
:class:`amqp.consumer.Consumer` keeps a connection and replaces it,
:class:`amqp.worker.Worker` turns the messages of one connection into notifications, and the
rest decides without I/O what may be acknowledged, confirmed, retried and answered.
"""
