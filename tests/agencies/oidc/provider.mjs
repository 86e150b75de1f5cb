// A certified OpenID provider for tests/agencies/test_oidc.py: any name signs in, and is the subject.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [port, redirect, secret] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "udvej",
      client_secret: secret,
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_post",
    },
    {
      client_id: "another",
      client_secret: secret,
      redirect_uris: [redirect],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  pkce: { required: () => true },
  cookies: { keys: ["for tests alone"] },
});
createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("ready"));
