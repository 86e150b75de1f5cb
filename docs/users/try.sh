# For trying the examples of this folder against `make run`, from the project's own folder:  . docs/users/try.sh
#
#     agency 0101 client_id      what var/demo.json says about a demo agency: client_id, client_secret, agency_id, ...
#     token 0101                 a token for that agency's client
#     ... | field subject.id     one member of the JSON on standard input

PYTHON=${PYTHON:-.venv/bin/python}
DEMO=${UDVEJ_DEMO_FILE:-var/demo.json}

agency() {
    "$PYTHON" -c '
import json, sys
demo = json.load(open(sys.argv[1], encoding="utf-8"))
parties = {party["code"]: party for party in [*demo["agencies"], demo["auditor"]]}
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

BASE=$("$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1], encoding="utf-8"))["base_url"])' "$DEMO")
