import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import udvej.client.ApiClient;
import udvej.client.ApiException;
import udvej.client.ApiResponse;
import udvej.client.api.LedgerApi;
import udvej.client.api.ReferralsApi;
import udvej.client.api.StepsApi;
import udvej.client.api.TokensApi;
import udvej.client.model.*;

/**
 * The main job in Java, with the client that openapi-generator generates: Play (base URL) (demo.json).
 *
 * København refers somebody to Exit-Comeback on a consent, Comeback works on it, København sees the outcome, and an
 * auditor sees who saw what. Every step says what is expected; the first that is otherwise ends with exit code 1.
 */
public final class Play {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A member of an agency's staff, through the agency's integration. */
    private static final class Person {
        final String id;
        final ReferralsApi referrals;
        final StepsApi steps;
        final LedgerApi ledger;

        Person(String baseUrl, JsonNode agency, String staffId) throws ApiException {
            String credentials = agency.get("client_id").asText() + ":" + agency.get("client_secret").asText();
            String basic = "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes());
            ApiClient asking = client(baseUrl, basic);
            Token token = new TokensApi(asking).getToken("client_credentials", null, null, null);
            ApiClient acting = client(baseUrl, "Bearer " + token.getAccessToken());
            id = staffId;
            referrals = new ReferralsApi(acting);
            steps = new StepsApi(acting);
            ledger = new LedgerApi(acting);
        }

        private static ApiClient client(String baseUrl, String authorization) {
            ApiClient client = new ApiClient();
            client.updateBaseUri(baseUrl);
            client.setRequestInterceptor(request -> request.header("Authorization", authorization));
            return client;
        }

        Referral read(UUID referral) throws ApiException {
            return referrals.readReferral(referral, id, null, null);
        }

        /** Returns the ETag of the version as it is now. */
        String seen(UUID referral) throws ApiException {
            return header(referrals.readReferralWithHttpInfo(referral, id, null, null), "etag");
        }
    }

    /** A call that is meant to be refused. */
    private interface Refused {
        void call() throws ApiException;
    }

    public static void main(String[] arguments) throws Exception {
        String baseUrl = arguments[0];
        JsonNode demo = JSON.readTree(new File(arguments[1]));
        JsonNode centre = agency(demo, "exit-comeback");
        JsonNode oversight = demo.get("auditor");
        Person caseworker = new Person(baseUrl, agency(demo, "0101"), "kk-sb-1");
        Person coordinator = new Person(baseUrl, centre, "cb-ko-1");
        Person auditor = new Person(baseUrl, oversight, oversight.get("auditor_id").asText());

        ReferralBodyRequest body = body(UUID.fromString(centre.get("agency_id").asText()));
        String key = UUID.randomUUID().toString();
        ApiResponse<Referral> made =
                caseworker.referrals.createReferralWithHttpInfo(caseworker.id, key, null, null, body);
        UUID referral = made.getData().getId();
        told("København writes a draft.", made.getStatusCode() == 201, made.getData().getStatus() == Status.DRAFT,
                !header(made, "receipt").isEmpty());
        ApiResponse<Referral> again =
                caseworker.referrals.createReferralWithHttpInfo(caseworker.id, key, null, null, body);
        told("The same again is the same draft.", again.getData().getId().equals(referral),
                header(again, "idempotency-replayed").equals("true"));
        refused("Comeback can't see a draft.", 404, "not-found", () -> coordinator.read(referral));
        Referral sent = caseworker.steps.submitReferral(referral, caseworker.id, header(made, "etag"), null, null);
        told("København submits it.", sent.getStatus() == Status.SUBMITTED);

        SummaryPage inbox = coordinator.referrals.listReferrals(
                coordinator.id, null, null, null, null, 1, null, null, null, null, null);
        told("It is the newest in Comeback's inbox.", inbox.getResults().get(0).getId().equals(referral));
        refused("A version that is not the newest is refused.", 412, "stale-version",
                () -> coordinator.steps.receiveReferral(referral, coordinator.id, "\"1\"", null, null));
        Referral received = coordinator.steps.receiveReferral(
                referral, coordinator.id, coordinator.seen(referral), null, null);
        told("Comeback receives.", received.getStatus() == Status.RECEIVED);
        Referral accepted = coordinator.steps.acceptReferral(
                referral, coordinator.id, coordinator.seen(referral), null, null);
        told("Comeback accepts.", accepted.getStatus() == Status.ACCEPTED);
        Referral started = coordinator.steps.startReferral(
                referral, coordinator.id, coordinator.seen(referral), null, null);
        told("Comeback starts.", started.getStatus() == Status.IN_PROGRESS);
        Contact contact = coordinator.read(referral).getSections().getContact();
        told("Comeback reads what the consent covers.",
                contact.getMethods().get(0).getHours().equals("hverdage 10-14"));
        CompleteRequest ended =
                new CompleteRequest().reason("goals_reached").outcome(OutcomeCode.OUT_OF_MILIEU);
        Referral completed = coordinator.steps.completeReferral(
                referral, coordinator.id, coordinator.seen(referral), ended, null, null);
        told("Comeback completes.", completed.getStatus() == Status.COMPLETED);

        Outcome outcome = caseworker.read(referral).getSections().getOutcome();
        told("København sees the outcome.", outcome.getEntries().get(0).getOutcome().equals("out_of_milieu"));
        InspectedPage trail = auditor.ledger.listEntries(auditor.id, null, null, null, null, 200, null, referral, null,
                null, null, null, null, "2026-0042", null, null);
        told("An auditor sees who saw it.", saw(trail, "referral.disclose", "cb-ko-1"),
                saw(trail, "referral.submit", "kk-sb-1"));
        System.out.println("The job went as told.");
    }

    /** A draft on a consent that covers reason, contact and needs, and the way back. */
    private static ReferralBodyRequest body(UUID centre) {
        GivenRequest consent = new GivenRequest()
                .kind(ConsentKind.CONFIDENTIALITY_WAIVER)
                .recipients(List.of(centre))
                .purposes(List.of(ConsentPurpose.EXIT_SUPPORT))
                .categories(List.of(ContentCategory.REASON, ContentCategory.CONTACT, ContentCategory.NEEDS))
                .givenAt(OffsetDateTime.now().minusHours(2))
                .method(ConsentMethod.WRITTEN)
                .reportBack(true);
        ContactMethodRequest phone = new ContactMethodRequest().channel(ContactChannel.PHONE).hours("hverdage 10-14");
        SectionsRequest sections = new SectionsRequest()
                .reason(new ReasonRequest().summary("Ønsker hjælp til at komme ud.").subjectAware(SubjectAwareEnum.YES))
                .contact(new ContactRequest().methods(List.of(phone)))
                .needs(new NeedsRequest().codes(List.of(Need.HOUSING)));
        return new ReferralBodyRequest()
                .recipient(centre)
                .externalReference("JAVA-" + UUID.randomUUID().toString().substring(0, 8))
                .subject(new SubjectBodyRequest().mode(Mode.PSEUDONYMOUS))
                .basis(new BasisBodyRequest().code("SAMTYKKE-TAVSHED").consent(consent))
                .sections(sections);
    }

    private static boolean saw(InspectedPage trail, String action, String staff) {
        return trail.getResults().stream()
                .anyMatch(entry -> entry.getAction().equals(action) && staff.equals(entry.getOnBehalfOf()));
    }

    private static JsonNode agency(JsonNode demo, String code) {
        for (JsonNode agency : demo.get("agencies")) {
            if (agency.get("code").asText().equals(code)) {
                return agency;
            }
        }
        throw new AssertionError("no agency " + code);
    }

    private static String header(ApiResponse<?> answer, String name) {
        for (Map.Entry<String, List<String>> header : answer.getHeaders().entrySet()) {
            if (header.getKey().equalsIgnoreCase(name)) {
                return header.getValue().get(0);
            }
        }
        return "";
    }

    /** Prints a step, all of whose facts hold. */
    private static void told(String words, boolean... facts) {
        for (boolean fact : facts) {
            if (!fact) {
                throw new AssertionError("otherwise than told: " + words);
            }
        }
        System.out.println("  " + words);
    }

    /** Prints a step that is refused with this status and problem, read as the generated Problem. */
    private static void refused(String words, int status, String code, Refused refused) throws Exception {
        try {
            refused.call();
        } catch (ApiException error) {
            Problem problem = ApiClient.createDefaultObjectMapper().readValue(error.getResponseBody(), Problem.class);
            told(words, error.getCode() == status, problem.getCode().equals(code));
            return;
        }
        throw new AssertionError("not refused: " + words);
    }
}
