# One image for both processes: `api` (the default) and `worker`.

FROM node:20-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY worker ./worker
RUN npm run build

FROM node:20-bookworm-slim AS runtime
# bubblewrap is the code sandbox; python3 runs python nodes; git reads repositories. Node and bash are there already; go nodes are reported as
# unavailable in this image.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git python3 tini \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production \
    ORCHESTRATOR_SETUP=none \
    ORCHESTRATOR_DATA_DIR=/var/lib/orchestrator \
    ORCHESTRATOR_SERVER_HOST=0.0.0.0
WORKDIR /app
RUN install --directory --owner=node --group=node --mode=0700 /var/lib/orchestrator
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY migrations ./migrations
COPY proto ./proto
# Code and packages belong to root: what runs here cannot change them.
USER node
EXPOSE 8080 9090
# Not through npm, so that SIGTERM reaches the process itself and it stops in order.
ENTRYPOINT ["tini", "--", "node"]
CMD ["dist/src/main.js", "api"]
