# One image for every part: the API (the default), the workers, the sandbox.
ARG PYTHON=3.13-slim-bookworm
# Tags change with each rebuild. To pin the base image, pass its digest (sha256:…).
ARG PYTHON_DIGEST=

FROM python:${PYTHON}${PYTHON_DIGEST:+@${PYTHON_DIGEST}} AS builder
WORKDIR /source
# The final image has no pip, so nothing in it can install packages.
RUN python -m venv --without-pip /opt/rally-bridge
# What rally-bridge[server] needs comes first: this layer is rebuilt only when the lock changes. Only wheels: there is no
# compiler.
COPY requirements.lock .ci/build.lock ./
RUN pip install --no-cache-dir --only-binary :all: --require-hashes -r build.lock && \
    pip --python /opt/rally-bridge/bin/python install --no-cache-dir --only-binary :all: \
        --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
COPY workers workers
# Without isolation: with it, pip would fetch a build backend that is not pinned. Without an index: the installation fails
# if the lock lacks a dependency, and the only rally-bridge is the wheel (so DL3013 asks for no version).
# hadolint ignore=DL3013
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . && \
    pip --python /opt/rally-bridge/bin/python install --no-cache-dir --no-index --find-links /wheels \
        'rally-bridge[server]'

FROM python:${PYTHON}${PYTHON_DIGEST:+@${PYTHON_DIGEST}}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rally-bridge" \
      org.opencontainers.image.description="Tells Slack and HTTP callbacks how Rally UXR imports ended" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=builder /opt/rally-bridge /opt/rally-bridge
# Nothing here installs packages, so pip goes. The file system is read-only, so what starts is compiled now.
RUN pip uninstall --yes --quiet pip && \
    stdlib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" && \
    rm -r "$stdlib/ensurepip" && \
    python -m compileall -q -x '/(test|tests|idlelib|lib2to3|turtledemo)/' "$stdlib"
ENV PATH=/opt/rally-bridge/bin:${PATH} \
    RALLY_BRIDGE_COMMIT=${REVISION} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# By number, so that a runtime can check that it is not root.
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# For the API only; docker-compose.yml has checks for the other parts. Only the shell runs, which opens the connection.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && test \"$status\" = 200"]
ENTRYPOINT ["rally-bridge"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
