# One process of the mesh: docker build --build-arg APP=command .
# No bundler and no build step: Node runs the TypeScript.
FROM node:24.21.0-bookworm-slim AS manifests
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps apps
COPY libs libs
# Of the sources only what npm reads: a changed line of code leaves the next stage cached.
RUN find apps libs -type f ! -name package.json -delete

FROM node:24.21.0-bookworm-slim AS dependencies
ARG APP
WORKDIR /app
COPY --from=manifests /app ./
# No dependency of a process needs its install script.
RUN npm ci --omit=dev --ignore-scripts --workspace "apps/$APP"

FROM node:24.21.0-bookworm-slim
ARG APP
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json deploy/ready.ts ./
COPY libs libs
COPY apps/$APP apps/$APP
RUN ln -s "apps/$APP/src/main.ts" main.ts
ENV OTEL_SERVICE_NAME=ordermesh-$APP
USER 10001:10001
# Telemetry first: what it instruments must not have been loaded before.
ENTRYPOINT ["node", "--import", "./libs/telemetry/src/register.ts", "main.ts"]
