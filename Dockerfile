# The image of the pipe: one static binary on an empty base.
#
#   docker build -t penstock .
#   docker run --rm -v "$PWD:/opt/atlassian/pipelines/agent/build" penstock
#
# BUILDER is any Debian with Rust, gcc, libc6-dev and ca-certificates. It is built for the machine it runs on: an arm64
# image comes from an arm64 machine (or from emulation with `--platform`). Named by digest, of the index for both architectures:
# `scripts/base-images` checks and renews it.
ARG BUILDER=docker.io/library/rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

FROM ${BUILDER} AS build
WORKDIR /src
COPY . .
# The target is named, so that the flag does not reach build scripts and procedural macros, which must stay dynamic.
ENV CARGO_TARGET_DIR=/build
RUN set -eu; \
    target=$(rustc -vV | sed -n 's/^host: //p'); \
    case "$target" in x86_64-unknown-linux-gnu|aarch64-unknown-linux-gnu) ;; *) echo "no image for $target" >&2; exit 1 ;; esac; \
    RUSTFLAGS='-C target-feature=+crt-static' \
      cargo build --locked --profile dist --target "$target" -p penstock --bin penstock; \
    install -D -m 0755 "/build/$target/dist/penstock" /out/penstock; \
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt; \
    install -m 0644 LICENSE README.md pipe.yml /out/

FROM scratch
COPY --from=build /out/ /

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Penstock" \
      org.opencontainers.image.description="The gate for Bitbucket Cloud: finds secrets and decides whether a change may pass" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# One file to read at start instead of a folder of roots.
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt

# Where Pipelines mounts the clone; it sets the working directory itself.
WORKDIR /opt/atlassian/pipelines/agent/build

# No USER: Pipelines runs a pipe as the image's user over a clone that root owns, and a report written there must succeed.
# The program needs no root: `docker run --user` with any uid works, also over a clone that someone else owns.
ENTRYPOINT ["/penstock"]
CMD ["pipe"]
