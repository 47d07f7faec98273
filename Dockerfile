# Two stages: a builder with Rust and a C compiler (libgit2 and the cryptography are built from source), and a small
# image with the one binary.
#
#   docker build -t layerd .
#   docker run --rm -p 127.0.0.1:8888:8888 layerd
#   docker run --rm -p 127.0.0.1:8888:8888 --read-only -v "$PWD/config:/config:ro" -v layerd:/var/lib/layerd layerd
#   docker run --rm -p 127.0.0.1:8888:8888 -e LAYERD_GIT=https://git.example.org/team/config.git layerd serve

FROM rust:1.95-slim-bookworm AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# The caches make a second build a matter of seconds; the binary leaves the cached folder within the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --bin layerd \
 && install -D target/release/layerd /out/layerd

FROM debian:bookworm-slim
# What Git needs at run time: certificates for https, OpenSSH for ssh.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 65532 layerd \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/layerd --no-create-home --shell /usr/sbin/nologin layerd \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/layerd
COPY --from=builder /out/layerd /usr/local/bin/layerd
COPY config-repo-example /config
COPY LICENSE NOTICE /usr/share/doc/layerd/

# By number, so that orchestrators can see that it is not root.
USER 65532:65532
WORKDIR /config
# Mirrors live here; all else may be read-only.
VOLUME /var/lib/layerd
# In a container, loopback is reachable from nowhere, so the server listens beyond it. Nothing asks yet who is there,
# and a server outside a container would refuse that: LAYERD_INSECURE_OPEN is the promise that whoever runs the image
# decides who reaches the port. Publish it on 127.0.0.1, or keep it on a network of your own.
ENV LAYERD_HTTP__LISTEN=0.0.0.0:8888 \
    LAYERD_INSECURE_OPEN=true \
    LAYERD_STATE=/var/lib/layerd
EXPOSE 8888
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["layerd", "health", "http://127.0.0.1:8888"]
# SIGTERM drains and ends with 0; SIGHUP fetches now.
STOPSIGNAL SIGTERM
ENTRYPOINT ["layerd"]
CMD ["serve", "/config"]
