# Latent Loom: one image, Python only. `docker compose up` builds and starts it (docs/operations.md).
#
# BASE may be any Debian or Python image with Python 3.11 or newer in it or in its archive, one that was imported
# without a registry too:  docker build --build-arg BASE=my-debian .
ARG BASE=python:3.13-slim
FROM ${BASE}

# Without a GPU the CPU build of PyTorch does the same in a fraction of the room. Empty: PyPI's, which has CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# A plain Debian brings no Python. libgomp is what the kernels run their threads with.
RUN set -eu; \
    apt-get update; \
    command -v python3 || apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates; \
    apt-get install --yes --no-install-recommends libgomp1; \
    rm -rf /var/lib/apt/lists/*; \
    python3 -m venv /opt/loom; \
    groupadd --gid 10001 loom; \
    useradd --uid 10001 --gid loom --no-create-home --home-dir /data --shell /usr/sbin/nologin loom; \
    install --directory --owner=loom --group=loom --mode=0700 /data

ENV PATH=/opt/loom/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

# PyTorch alone first: this layer stays when the code changes.
RUN if [ -n "$TORCH_INDEX" ]; then pip install "torch>=2.10" "torchvision>=0.25" --index-url "$TORCH_INDEX"; \
    else pip install "torch>=2.10" "torchvision>=0.25"; fi

# What the server may be used with: PostgreSQL, S3, Ray (cluster), video.
ARG EXTRAS=postgres,s3,video

WORKDIR /app
COPY . .
RUN pip install --editable ".[$EXTRAS]"

# All that is written goes to /data; everything else may be read-only.
ENV LATENTLOOM_HOST=0.0.0.0 \
    LATENTLOOM_PORT=7860 \
    LATENTLOOM_DATA_DIR=/data \
    LATENTLOOM_CHECKPOINTS_DIR=/app/checkpoints \
    LATENTLOOM_TOKEN_FILE=/data/tokens.toml \
    LATENTLOOM_FIRST_TOKEN=1 \
    HOME=/data/home \
    TORCH_HOME=/data/torch \
    NUMBA_CACHE_DIR=/data/numba

USER 10001:10001
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/readyz', timeout=4)"]
ENTRYPOINT ["latentloom"]
CMD ["serve"]
