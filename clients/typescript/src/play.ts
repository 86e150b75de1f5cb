/**
 * The main job in TypeScript, with the types that openapi-typescript generates: node play.js (base URL) (demo.json).
 *
 * København refers somebody to Exit-Comeback on a consent, Comeback works on it, København sees the outcome, and an
 * auditor sees who saw what. Every step says what is expected; the first that is otherwise ends with exit code 1.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./udvej.js";

type Referral = components["schemas"]["Referral"];
type Draft = components["schemas"]["ReferralBodyRequest"];
type Agency = { code: string; agency_id: string; client_id: string; client_secret: string };
type Demo = { agencies: Agency[]; auditor: Agency & { auditor_id: string } };

/** A member of an agency's staff, through the agency's integration. */
class Person {
  private constructor(
    readonly api: Client<paths>,
    readonly id: string,
  ) {}

  static async of(baseUrl: string, agency: Agency, id: string): Promise<Person> {
    const basic = Buffer.from(`${agency.client_id}:${agency.client_secret}`).toString("base64");
    const asking = createClient<paths>({ baseUrl, headers: { Authorization: `Basic ${basic}` } });
    const { data } = await asking.POST("/oauth/token", {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: { grant_type: "client_credentials" },
    });
    const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${given(data).access_token}` } });
    return new Person(api, id);
  }

  get header(): { "On-Behalf-Of": string } {
    return { "On-Behalf-Of": this.id };
  }

  create(key: string, body: Draft) {
    return this.api.POST("/api/v1/referrals", {
      params: { header: { ...this.header, "Idempotency-Key": key } },
      body,
    });
  }

  read(referral_id: string) {
    return this.api.GET("/api/v1/referrals/{referral_id}", {
      params: { path: { referral_id }, header: this.header },
    });
  }

  /** The parameters of a step on the version as it is now, or on one that was seen before. */
  async step(referral_id: string, seen?: string) {
    const etag = seen ?? (await this.read(referral_id)).response.headers.get("ETag") ?? "";
    return { path: { referral_id }, header: { ...this.header, "If-Match": etag } };
  }
}

function given<T>(data: T | undefined): T {
  if (data === undefined) throw new Error("refused where it should not be");
  return data;
}

function told(words: string, ...facts: boolean[]): void {
  if (!facts.every(Boolean)) throw new Error(`otherwise than told: ${words} ${facts}`);
  console.log(`  ${words}`);
}

/** A draft on a consent that covers reason, contact and needs, and the way back. */
function draftTo(centre: string): Draft {
  return {
    recipient: centre,
    external_reference: `TS-${randomUUID().slice(0, 8)}`,
    subject: { mode: "pseudonymous" },
    basis: {
      code: "SAMTYKKE-TAVSHED",
      consent: {
        kind: "CONFIDENTIALITY_WAIVER",
        recipients: [centre],
        purposes: ["exit_support"],
        categories: ["reason", "contact", "needs"],
        given_at: new Date(Date.now() - 2 * 3600 * 1000).toISOString(),
        method: "written",
        report_back: true,
      },
    },
    sections: {
      reason: { summary: "Ønsker hjælp til at komme ud.", subject_aware: "yes" },
      contact: { methods: [{ channel: "phone", hours: "hverdage 10-14" }] },
      needs: { codes: ["housing"] },
    },
  };
}

async function play(baseUrl: string, demo: Demo): Promise<void> {
  const agency = (code: string): Agency => given(demo.agencies.find((each) => each.code === code));
  const centre = agency("exit-comeback");
  const caseworker = await Person.of(baseUrl, agency("0101"), "kk-sb-1");
  const coordinator = await Person.of(baseUrl, centre, "cb-ko-1");
  const auditor = await Person.of(baseUrl, demo.auditor, demo.auditor.auditor_id);

  const [draft, key] = [draftTo(centre.agency_id), randomUUID()];
  const made = await caseworker.create(key, draft);
  const referral: Referral = given(made.data);
  told("København writes a draft.", made.response.status === 201, referral.status === "draft", made.response.headers.has("Receipt"));
  const again = await caseworker.create(key, draft);
  told(
    "The same again is the same draft.",
    given(again.data).id === referral.id,
    again.response.headers.get("Idempotency-Replayed") === "true",
  );
  const unseen = await coordinator.read(referral.id);
  told("Comeback can't see a draft.", unseen.error?.code === "not-found", unseen.response.status === 404);
  const etag = made.response.headers.get("ETag") ?? "";
  const sent = await caseworker.api.POST("/api/v1/referrals/{referral_id}/submit", {
    params: await caseworker.step(referral.id, etag),
  });
  told("København submits it.", given(sent.data).status === "submitted");

  const inbox = await coordinator.api.GET("/api/v1/referrals", {
    params: { header: coordinator.header, query: { limit: 1, role: "received" } },
  });
  told("It is the newest in Comeback's inbox.", given(inbox.data).results[0]?.id === referral.id);
  const stale = await coordinator.api.POST("/api/v1/referrals/{referral_id}/receive", {
    params: await coordinator.step(referral.id, '"1"'),
  });
  told("A version that is not the newest is refused.", stale.error?.code === "stale-version", stale.response.status === 412);
  const received = await coordinator.api.POST("/api/v1/referrals/{referral_id}/receive", {
    params: await coordinator.step(referral.id),
  });
  told("Comeback receives.", given(received.data).status === "received");
  const accepted = await coordinator.api.POST("/api/v1/referrals/{referral_id}/accept", {
    params: await coordinator.step(referral.id),
  });
  told("Comeback accepts.", given(accepted.data).status === "accepted");
  const started = await coordinator.api.POST("/api/v1/referrals/{referral_id}/start", {
    params: await coordinator.step(referral.id),
  });
  told("Comeback starts.", given(started.data).status === "in_progress");
  const shown = given((await coordinator.read(referral.id)).data);
  told("Comeback reads what the consent covers.", shown.sections.contact?.methods[0]?.hours === "hverdage 10-14");
  const completed = await coordinator.api.POST("/api/v1/referrals/{referral_id}/complete", {
    params: await coordinator.step(referral.id),
    body: { reason: "goals_reached", outcome: "out_of_milieu" },
  });
  told("Comeback completes.", given(completed.data).status === "completed");

  const back = given((await caseworker.read(referral.id)).data);
  told("København sees the outcome.", back.sections.outcome?.entries[0]?.outcome === "out_of_milieu");
  const trail = await auditor.api.GET("/api/v1/audit/entries", {
    params: {
      header: { ...auditor.header, "Audit-Case": "2026-0042" },
      query: { referral: referral.id, limit: 200 },
    },
  });
  const saw = (action: string, staff: string): boolean =>
    given(trail.data).results.some((entry) => entry.action === action && entry.on_behalf_of === staff);
  told("An auditor sees who saw it.", saw("referral.disclose", "cb-ko-1"), saw("referral.submit", "kk-sb-1"));
}

const [baseUrl, file] = process.argv.slice(2);
if (!baseUrl || !file) throw new Error("usage: node play.js (base URL) (demo.json)");
await play(baseUrl, JSON.parse(readFileSync(file, "utf8")) as Demo);
console.log("The job went as told.");
