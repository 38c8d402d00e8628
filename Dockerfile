# A small image that serves a trained network, for the processor that it is built on: x86-64 or arm64. There was no Docker
# to try it with; docs/dist.md says what was tried.
#
#   docker build -t hymenoptera .
#   docker run --rm -p 8080:8080 -v "$PWD/runs/bees:/run/bees:ro" hymenoptera \
#     serve --checkpoint /run/bees/best.safetensors --addr 0.0.0.0:8080 --token-file /run/bees/token

FROM golang:1.26-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make g++ python3-pip libjpeg-dev libtiff-dev libwebp-dev zlib1g-dev libjemalloc-dev patchelf binutils && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make dist && mv dist/hymenoptera-*/ /hymenoptera

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home hymenoptera
COPY --from=build /hymenoptera /opt/hymenoptera
USER hymenoptera
WORKDIR /home/hymenoptera
EXPOSE 8080
ENTRYPOINT ["/opt/hymenoptera/bin/hymenoptera"]
