# The app's image: one static program, its bill of materials, and nothing else. No shell, no package manager, no files of a
# distribution; the certificate authorities are inside the program.
#
# SOURCE says where the program comes from:
#   source    compiled here, which is what a Supervisor does that builds the app itself (tens of minutes on a small computer)
#   prebuilt  taken from target/image/<arch>/, where `dev/image/program` puts it (the release, make image-check)

ARG SOURCE=source

FROM rust:1.95.0-alpine AS binary-source
# The toolchain of this image, not the one that rust-toolchain.toml would fetch.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN apk add --no-cache gcc g++ make musl-dev python3
WORKDIR /src
COPY . .
RUN cargo fetch --locked \
 && cargo build --release --locked --package vestibule --bin vestibule \
 && install -D -m 0755 target/release/vestibule /out/usr/bin/vestibule \
 && python3 dev/image/sbom /out/usr/share/vestibule/sbom.json "$(rustc -vV | sed -n 's/^host: //p')"

FROM scratch AS binary-prebuilt
# amd64 or aarch64, as the Supervisor writes them.
ARG BUILD_ARCH=amd64
COPY target/image/${BUILD_ARCH}/vestibule /out/usr/bin/vestibule
COPY target/image/${BUILD_ARCH}/sbom.json /out/usr/share/vestibule/sbom.json

FROM binary-${SOURCE} AS binary

FROM scratch
ARG BUILD_ARCH=amd64
ARG BUILD_VERSION=0.1.0
LABEL io.hass.type="app" \
      io.hass.arch="${BUILD_ARCH}" \
      io.hass.version="${BUILD_VERSION}" \
      org.opencontainers.image.title="Vestibule" \
      org.opencontainers.image.description="Shows what leaves your home, lets nothing else out, and asks before anything comes in" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${BUILD_VERSION}"
COPY --from=binary /out/ /
# Everything that is kept; the Supervisor, or a volume, takes its place.
WORKDIR /data
# Memory that is free goes back at once: a reading of a large home needs tens of megabytes for a moment.
ENV MIMALLOC_PURGE_DELAY=0
# About the process only: it succeeds while the daemon answers, whatever the state of home and portal.
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 CMD ["/usr/bin/vestibule", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/vestibule"]
CMD ["run"]
