# The dependencies by themselves, so that a change of the sources does not fetch them anew. None of them has
# an install script, and none may run here.
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY src src
COPY views views
COPY public public
COPY locales locales
COPY config config

# The sources belong to root: the server can change its data and nothing else.
RUN install -d -o node -g node -m 700 /var/lib/strata
VOLUME /var/lib/strata
USER node

# In a container nobody reaches 127.0.0.1 from outside. Without a file of settings there the start fails, so
# that a container never serves the development profile and its demo accounts by accident; to try it out:
#   docker run -e STRATA_CONFIG= -p 127.0.0.1:3000:3000 strata
ENV NODE_ENV=production \
    STRATA_CONFIG=/etc/strata/strata.yaml \
    STRATA_DATA_DIR=/var/lib/strata \
    STRATA_HOST=0.0.0.0 \
    PORT=3000
EXPOSE 3000

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# No npm between: it would not hand on the signal to stop.
CMD ["node", "bin/strata.js", "serve"]
