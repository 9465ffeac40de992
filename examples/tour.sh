#!/usr/bin/env bash
# A token's life with curl: issue, check, narrow, revoke. Needs bash, curl and sed.
#
#   examples/tour.sh [CREDENTIALS]
#
# CREDENTIALS is the file that the first run wrote (default: jeton-data/first-run.json).
# JETON_URL says where the server is (default: http://127.0.0.1:8080).
set -euo pipefail

credentials=${1:-jeton-data/first-run.json}
url=${JETON_URL:-http://127.0.0.1:8080}

# The value of a member of a JSON object on standard input that has no nested member of that name.
member() { sed -n "s/.*\"$1\":\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p"; }
# Through a file descriptor: arguments of a process can be seen by every user of the machine.
bearer() { printf 'Authorization: Bearer %s\n' "$1"; }
# The status of forward-auth, as a gateway asks: may TOKEN do PERMISSION?
check() { curl -s -o /dev/null -w '%{http_code}\n' -H @<(bearer "$1") "$url/auth/$app?permission=$2"; }

app=$(member app_key <"$credentials")
admin=$(member admin_token <"$credentials")

echo "Issue a token for user 7 that may read and write, for 30 days:"
token=$(curl -sf "$url/AccessToken/$app?userId=7" -H @<(bearer "$admin") -H 'Content-Type: application/json' \
    -d '{"title":"tour","permissions":"read,write","expireInDays":30}' | member access_token)
echo "  ${token:0:8}..."

echo "May it write?   $(check "$token" write)"
echo "May it delete?  $(check "$token" delete)"

id=$(curl -sf -D - -o /dev/null -H @<(bearer "$token") "$url/auth/$app" | tr -d '\r' |
    sed -n 's/^x-auth-token-id: //p')
echo "Take 'write' away from token $id:"
curl -sf -X PUT "$url/AccessToken/$app/$id" -H @<(bearer "$admin") -H 'Content-Type: application/json' \
    -d '{"permissions":"read"}' >/dev/null
echo "May it write?   $(check "$token" write)"
echo "May it read?    $(check "$token" read)"

echo "Revoke it:"
curl -sf -X DELETE "$url/AccessToken/$app/$id" -H @<(bearer "$admin") >/dev/null
echo "May it read?    $(check "$token" read)"
