# For trying the examples of this folder against `make run`, from the project's own folder:  . docs/users/try.sh
#
#     agency 0101 client_id      what var/demo.json says about a demo agency: client_id, client_secret, agency_id, ...
#     token 0101                 a token for that agency's client
#     ... | field subject.id     one member of the JSON on standard input
#     ask GET /consents          a request below /api/v1 with $TOKEN, on behalf of $STAFF:  ask METHOD PATH [BODY] [more of
#                                curl's options, such as -H "Purpose: child_protection"]. Each has an Idempotency-Key of its own

PYTHON=${PYTHON:-.venv/bin/python}
DEMO=${UDVEJ_DEMO_FILE:-var/demo.json}

agency() {
    "$PYTHON" -c '
import json, sys
demo = json.load(open(sys.argv[1], encoding="utf-8"))
parties = {party["code"]: party for party in [*demo["agencies"], *demo["auditors"]]}
print(parties[sys.argv[2]][sys.argv[3]])' "$DEMO" "$1" "$2"
}

field() {
    "$PYTHON" -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(value if isinstance(value, (str, int)) else json.dumps(value, ensure_ascii=False))' "$1"
}

token() {
    curl -s -u "$(agency "$1" client_id):$(agency "$1" client_secret)" \
        -d grant_type=client_credentials "$BASE/oauth/token" | field access_token
}

ask() {
    method=$1 address=$BASE/api/v1$2 body=${3:-}
    if [ $# -gt 3 ]; then shift 3; else shift $#; fi
    if [ -n "$body" ]; then set -- -H "Content-Type: application/json" -d "$body" "$@"; fi
    curl -s -X "$method" "$address" -H "Authorization: Bearer $TOKEN" -H "On-Behalf-Of: $STAFF" \
        -H "Idempotency-Key: $("$PYTHON" -c 'import uuid; print(uuid.uuid4())')" -w '\n' "$@"
}

BASE=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1], encoding="utf-8"))["base_url"])' "$DEMO")
