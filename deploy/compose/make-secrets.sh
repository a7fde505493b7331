#!/bin/sh
# Makes the secrets that compose.yaml names, once: what is there stays as it is. Keep a copy of phone-pepper: without it nobody is found by number any more.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 0700 secrets

random() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }
url_safe() { tr '+/' '-_' | tr -d '='; }
keep() {
  if [ -e "secrets/$1" ]; then return; fi
  # Whole or not at all; readable for the containers' users, inside a folder that only you can enter.
  cat >"secrets/$1.new"
  chmod 0444 "secrets/$1.new"
  mv "secrets/$1.new" "secrets/$1"
}

random | url_safe | keep token-key
random | url_safe | keep phone-pepper
random | url_safe | keep postgres-password
printf 'whsec_%s' "$(random)" | keep otp-webhook-secret
printf 'postgres://securechat:%s@postgres:5432/securechat' "$(cat secrets/postgres-password)" | keep database-url
printf 'redis://redis:6379' | keep redis-url
