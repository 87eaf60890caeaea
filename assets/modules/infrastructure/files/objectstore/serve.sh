#!/bin/sh
# Starts the whole store as one process.
#
# DATA_DIR           where everything is kept
# CONFIG_DIR         holds security.toml and filer.toml
# IDENTITIES_FILE    who may do what, with keys
# S3_PORT, METRICS_PORT, S3_GRPC_PORT   the only ports bound beyond this host
# VOLUMES            how many files of 256 MB the store may fill
# MIN_FREE           what must stay free on the disk, such as 1GiB
# INTERNAL_PORT      first of six ports used within this host
set -eu
first="${INTERNAL_PORT:-9330}"
mkdir -p "$DATA_DIR/filer"
exec weed -logtostderr=true -config_dir="$CONFIG_DIR" server \
  -dir="$DATA_DIR" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
  -master.port="$first" -master.port.grpc="$((first + 1))" \
  -master.volumeSizeLimitMB=256 -master.telemetry=false -master.electionTimeout=2s \
  -volume.port="$((first + 2))" -volume.port.grpc="$((first + 3))" \
  -volume.max="$VOLUMES" -volume.minFreeSpace="$MIN_FREE" -volume.preStopSeconds=1 \
  -filer -filer.port="$((first + 4))" -filer.port.grpc="$((first + 5))" \
  -filer.exposeDirectoryData=false \
  -s3 -s3.ip.bind=0.0.0.0 -s3.port="$S3_PORT" -s3.port.grpc="$S3_GRPC_PORT" \
  -s3.port.iceberg=0 -s3.port.lance=0 -s3.iam=false -s3.config="$IDENTITIES_FILE" \
  -s3.autoCreateBucket=false -s3.allowDeleteBucketNotEmpty=false \
  -metricsIp=0.0.0.0 -metricsPort="$METRICS_PORT"
