# One process of the mesh: docker build --build-arg APP=command .
# No bundler and no build step: Node runs the TypeScript.

# Nothing that is installed is of one platform: it is made once, on the builder's own.
FROM --platform=$BUILDPLATFORM node:24.21.0-bookworm-slim AS manifests
WORKDIR /workspace
COPY package.json package-lock.json .npmrc ./
COPY apps apps
COPY libs libs
# Of the sources only what npm reads: a changed line of code leaves the next stage cached.
RUN find apps libs -type f ! -name package.json -delete

FROM --platform=$BUILDPLATFORM node:24.21.0-bookworm-slim AS installed
WORKDIR /workspace
COPY --from=manifests /workspace ./
# For all processes at once, so that their images share the stage. No dependency of a process needs its install script.
RUN npm ci --omit=dev --ignore-scripts

FROM installed AS assembled
ARG APP
COPY LICENSE ./
COPY deploy/ready.ts deploy/
COPY tools/release/src tools/release/src
COPY libs libs
COPY apps/$APP apps/$APP
RUN node tools/release/src/assemble.ts "$APP" /image

# Neither shell nor package manager. Distroless has no tags of versions: its repository is named by them, and the provenance of a release says which build it was.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
ARG APP
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ordermesh-$APP" \
  org.opencontainers.image.description="The $APP process of ordermesh, an order system as a mesh of gRPC services" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION"
WORKDIR /app
COPY --from=assembled /image ./
# The base leaves its node out of PATH; health checks call it by name. In production, which the development issuer refuses, unless who starts it says otherwise.
ENV PATH=/nodejs/bin OTEL_SERVICE_NAME=ordermesh-$APP NODE_ENV=production
USER 65532:65532
# Telemetry first: what it instruments must not have been loaded before. No shell: SIGTERM reaches the process, which drains and ends with 0.
ENTRYPOINT ["/nodejs/bin/node", "--import", "./libs/telemetry/src/register.ts", "main.ts"]
