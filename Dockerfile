# The HTTP server. It starts once there is an API key, for others reach it (see compose.yaml).
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/elephantasm \
    && /opt/elephantasm/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home elephantasm \
    && install --directory --owner=elephantasm --mode=0700 /data
COPY --from=build /opt/elephantasm /opt/elephantasm
ENV PATH=/opt/elephantasm/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    ELEPHANTASM_DATABASE=/data/memory.sqlite3 \
    ELEPHANTASM_HOST=0.0.0.0 \
    ELEPHANTASM_PORT=8765
USER elephantasm
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"ELEPHANTASM_PORT\"]}/api/health', timeout=4)"]
ENTRYPOINT ["elephantasm-mcp"]
CMD ["serve", "--transport", "http"]
