# One image for everything: `cloudkeep serve` runs the API, a worker and an embedded Valkey.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

COPY requirements/runtime.txt requirements/
RUN pip install --require-hashes -r requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY cloudkeep cloudkeep
COPY schema schema
COPY resolvers resolvers
COPY endpoints endpoints
COPY services services
COPY workers workers
COPY storage storage
RUN pip install --no-deps --no-build-isolation . \
    && useradd --system --uid 10001 --home-dir /data --create-home cloudkeep

USER cloudkeep
ENV CLOUDKEEP_DATA_DIR=/data CLOUDKEEP_HOST=0.0.0.0
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["cloudkeep", "serve"]
