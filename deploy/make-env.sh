#!/bin/sh
# Writes .env beside docker-compose.yml, readable by its owner alone, with a random secret for everything that needs one.
# An existing file is never overwritten: without these secrets the data is not accessible.
set -eu
cd "$(dirname "$0")/.."

secret() {
    od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
set -C # the redirection below refuses to overwrite a file
if ! {
    cat <<END
# Secrets of docker-compose.yml. Keep a copy in a safe place: docs/deployment.md says what else to back up.
CLOUDKEEP_SECRET_KEYS=first:$(secret 32)
CLOUDKEEP_POSTGRES_PASSWORD=$(secret 24)
CLOUDKEEP_VALKEY_PASSWORD=$(secret 24)
CLOUDKEEP_S3_ACCESS_KEY=cloudkeep-$(secret 6)
CLOUDKEEP_S3_SECRET_KEY=$(secret 24)
CLOUDKEEP_S3_SIGNING_KEY=$(secret 24)

# For a domain of your own; the proxy then gets a certificate by itself:
#CLOUDKEEP_DOMAIN=drive.example.org
#CLOUDKEEP_BIND=0.0.0.0
#CLOUDKEEP_MAIL_URL=smtp://user:password@mail.example.org:587?from=drive@example.org
END
} 2>/dev/null >.env; then
    echo ".env is there already (or cannot be written); nothing was changed" >&2
    exit 1
fi
echo "wrote $(pwd)/.env"
