#!/bin/sh
# Installs packages into .venv with uv, which is quick, or with pip where uv fails. The arguments are those of both.
#
# A private certificate authority that pip trusts is trusted by uv as well: uv reads only SSL_CERT_FILE, SSL_CERT_DIR and
# UV_SYSTEM_CERTS (https://docs.astral.sh/uv/concepts/authentication/certificates/), so they are set from what pip reads,
# in its order (https://pip.pypa.io/en/stable/topics/https-certificates/).
set -u
python=.venv/bin/python
uv=.venv/bin/uv

pip() {
    "$python" -m pip --disable-pip-version-check --no-input "$@"
}

# The file that pip's configuration names, or nothing. `pip config get` does not see all files in every version of pip.
configured_cert() {
    pip config list | sed -n -e "s/^global\.cert='\(.*\)'$/\1/p" -e "s/^install\.cert='\(.*\)'$/\1/p" | tail -n 1
}

has_system_certificates() {
    "$python" -c 'import ssl, sys; paths = ssl.get_default_verify_paths(); sys.exit(not (paths.cafile or paths.capath))'
}

trust_like_pip() {
    certificates=${PIP_CERT:-$(configured_cert)}
    certificates=${certificates:-${REQUESTS_CA_BUNDLE:-${CURL_CA_BUNDLE:-}}}
    if [ -d "$certificates" ]; then
        export SSL_CERT_DIR="$certificates"
    elif [ -n "$certificates" ]; then
        export SSL_CERT_FILE="$certificates"
    elif [ -z "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}${UV_SYSTEM_CERTS:-}" ] && has_system_certificates; then
        export UV_SYSTEM_CERTS=true
    fi
}

# The first line of uv's error and its innermost cause.
reason() {
    printf '%s\n' "$1" | sed -n 's/^error: //p; s/^ *cause: //p; s/^ *Caused by: //p' | sed -n '1p; $p' | uniq |
        paste -s -d '|' - | sed 's/|/: /' | cut -c 1-300
}

if [ -x "$uv" ]; then
    trust_like_pip
    errors=$("$uv" --quiet pip install --python "$python" "$@" 2>&1) && exit
    why=$(reason "$errors")
    echo "uv cannot install this (${why:-it gave no reason}); trying pip, which takes a minute." >&2
fi
pip --quiet install "$@"
