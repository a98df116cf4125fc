# One image for the web process, the workers and the scheduler: the command says which (see compose.yaml).
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt requirements-node.txt ./
RUN pip install --require-hashes -r requirements.txt
COPY package.json package-lock.json .npmrc ./
COPY scripts/frontend.py scripts/editor.mjs scripts/
# the front end is built by a Node.js in an environment of its own, which stays behind
RUN python -m venv /opt/node && /opt/node/bin/python scripts/frontend.py && rm -rf node_modules
COPY pyproject.toml README.md LICENSE wsgi.py ./
COPY gateway gateway
COPY connectors connectors
COPY mappings mappings
COPY bench bench
RUN pip install --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --uid 10001 --user-group --home-dir /var/lib/tandem --create-home --shell /usr/sbin/nologin tandem
COPY --from=build /opt/tandem /opt/tandem
ENV PATH=/opt/tandem/bin:$PATH PYTHONUNBUFFERED=1 TANDEM_HOME=/var/lib/tandem TANDEM_BIND=0.0.0.0:8080
USER tandem
WORKDIR /var/lib/tandem
VOLUME /var/lib/tandem
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["tandem", "doctor"]
ENTRYPOINT ["tandem"]
CMD ["web"]
