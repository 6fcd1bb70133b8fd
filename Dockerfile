# The image of one Notifier process: what is installed, and nothing that installs.

FROM python:3.12.11-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/notifier
COPY deploy/constraints.txt deploy/
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY notifier notifier
COPY handlers handlers
COPY amqp amqp
COPY static static
COPY clients/python/notifier_client clients/python/notifier_client
# Wheels only: nothing is compiled, here or later.
RUN /opt/notifier/bin/pip install --no-cache-dir --only-binary :all: \
        --constraint deploy/constraints.txt setuptools \
    && /opt/notifier/bin/pip install --no-cache-dir --only-binary :all: \
        --constraint deploy/constraints.txt --no-build-isolation ".[uvloop,external,listen]" \
    && /opt/notifier/bin/pip uninstall --yes setuptools pip

FROM python:3.12.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent notifier \
    && install --directory --owner notifier --mode 700 /data
COPY --from=build /opt/notifier /opt/notifier
# All addresses, because a published port leads to the container's own one and not to its
# loopback. Whoever sends then needs a key, even from inside.
ENV PATH=/opt/notifier/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NOTIFIER_HOST=0.0.0.0 \
    NOTIFIER_DATA_DIR=/data
WORKDIR /data
USER notifier
EXPOSE 8002
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["python", "-m", "notifier.process.healthcheck", "http://127.0.0.1:8002/healthz/ready/"]
# Nothing in between, so that SIGTERM reaches it.
ENTRYPOINT ["python", "-m", "notifier"]
