"""SearchSampleQueries and GenerateQuery: what is found and made, and that all of it runs."""

import http.server
import json
import re
import threading

import pytest

from conftest import CORPUS, ROOT, Server, eventually
from test_queries import default_store, ended, rows
from wire import call, kept, post_events, record, refused

LIBRARY = [text for path in sorted(ROOT.glob("crates/lake/src/samples/library/*.sql")) for text in path.read_text().split("-- name: ")[1:]]
NAMES = [text.split("\n")[0] for text in LIBRARY]
FAMILIES = {name: (re.search(r"^-- family: (\w+)", text, re.M) or ["", "Management"])[1] for name, text in zip(NAMES, LIBRARY)}
CATEGORIES = {"Activity": "ActivityAuditLog"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A server with the corpus, where it is there, in its store."""
    server = Server(tmp_path_factory.mktemp("samples")).start()
    client = server.client("cloudtrail")
    # The corpus begins in 2017.
    made = client.create_event_data_store(Name="corpus", RetentionPeriod=3653, TerminationProtectionEnabled=False)
    server.store = made["EventDataStoreArn"].rsplit("/", 1)[1]
    eventually(lambda: client.get_event_data_store(EventDataStore=server.store)["Status"] == "ENABLED")
    for path in sorted(CORPUS.glob("events/*.ndjson.gz")):
        told = post_events(server, path.read_bytes(), coding="gzip", query="?route=store%3Acorpus")
        assert told.status == 200, told
    last = record(requestParameters={"bucketName": "reports", "key": "a/b"})
    kept(post_events(server, [last]), 1)

    def visible():
        query_id = client.start_query(QueryStatement=f"SELECT eventID FROM {server.store} WHERE eventID = '{last['eventID']}'")["QueryId"]
        return ended(server, query_id) and rows(server, query_id)

    eventually(visible)
    yield server
    server.kill()


def search(server, phrase, **arguments):
    client, token, found = server.client("cloudtrail"), {}, []
    while True:
        page = client.search_sample_queries(SearchPhrase=phrase, **arguments, **token)
        found += page["SearchResults"]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_there_are_many_samples():
    assert len(NAMES) >= 60 and len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_found_by_its_name_and_runs(lake, name):
    client = lake.client("cloudtrail")
    found = client.search_sample_queries(SearchPhrase=name, MaxResults=50)["SearchResults"]
    sample = next(result for result in found if result["Name"] == name)
    assert sample["Description"] and 0 < sample["Relevance"] <= 1
    store = lake.store
    if FAMILIES[name] != "Management":
        category = CATEGORIES.get(FAMILIES[name], FAMILIES[name])
        store = store_of(lake, category)
    statement = sample["SQL"]
    assert "$EDS_ID" in statement
    # A wider time, so that what was recorded years ago is looked at too.
    statement = re.sub(r"date_add\('day', -\d+, current_timestamp\)", "timestamp '2015-01-01 00:00:00'", statement)
    query_id = client.start_query(QueryStatement=statement.replace("$EDS_ID", store))["QueryId"]
    told = ended(lake, query_id, seconds=120)
    assert told["QueryStatus"] == "FINISHED", told.get("ErrorMessage")
    # As it is, too.
    query_id = client.start_query(QueryStatement=sample["SQL"].replace("$EDS_ID", store))["QueryId"]
    told = ended(lake, query_id)
    assert told["QueryStatus"] == "FINISHED", told.get("ErrorMessage")


def store_of(server, category):
    client = server.client("cloudtrail")
    name = f"of-{category}"
    stores = {store["Name"]: store["EventDataStoreArn"] for store in client.list_event_data_stores()["EventDataStores"]}
    if name not in stores:
        selectors = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": [category]}]}]
        made = client.create_event_data_store(Name=name, AdvancedEventSelectors=selectors, MultiRegionEnabled=False, TerminationProtectionEnabled=False)
        stores[name] = made["EventDataStoreArn"]
        eventually(lambda: client.get_event_data_store(EventDataStore=stores[name])["Status"] != "CREATED")
    return stores[name].rsplit("/", 1)[1]


def test_the_nearest_comes_first_and_pages_put_together_are_the_whole(lake):
    whole = search(lake, "who signed in without MFA", MaxResults=50)
    assert whole[0]["Name"] == "Sign-ins without MFA"
    assert [result["Relevance"] for result in whole] == sorted((result["Relevance"] for result in whole), reverse=True)
    assert search(lake, "who signed in without MFA", MaxResults=3) == whole
    page = lake.client("cloudtrail").search_sample_queries(SearchPhrase="who signed in without MFA")
    assert len(page["SearchResults"]) == 10
    with refused("InvalidParameterException"):
        lake.client("cloudtrail").search_sample_queries(SearchPhrase="another phrase", NextToken=page["NextToken"])
    with refused("InvalidParameterException"):
        lake.client("cloudtrail").search_sample_queries(SearchPhrase="who signed in without MFA", NextToken="made up")
    assert search(lake, "recipe for apple pie") == []


def test_the_aws_cli_searches(lake):
    told = lake.aws("cloudtrail", "search-sample-queries", "--search-phrase", "deleted trails", "--max-results", "1")
    assert told["SearchResults"][0]["Name"] == "Deleted and stopped trails"


@pytest.mark.parametrize("prompt, has", [
    ("What did dana do in us-east-1 yesterday?", ["userIdentity.userName = 'dana'", "awsRegion = 'us-east-1'", "eventTime >= '"]),
    ("Who assumed arn:aws:iam::111122223333:role/Blizzard-Prod-Admin in the last 24 hours?", ["'arn:aws:iam::111122223333:role/Blizzard-Prod-Admin'", "date_add('hour', -24"]),
    ("Top 10 error codes last week", ["LIMIT 10", "date_add('week', -1"]),
    ("console sign-ins without MFA in September 2025", ["'2025-09-01 00:00:00'", "'2025-10-01 00:00:00'"]),
    ("Everything from 203.0.113.9 between 2025-09-24T01:30:00Z and 2025-09-24T03:00:00Z", ["'203.0.113.9'", "'2025-09-24 01:30:00'"]),
    ("public S3 bucket policies", ["bucketPolicy"]),
])
def test_a_prompt_becomes_a_query_that_runs(lake, prompt, has):
    client = lake.client("cloudtrail")
    made = client.generate_query(EventDataStores=[lake.store], Prompt=prompt)
    assert all(text in made["QueryStatement"] for text in [*has, lake.store]), made["QueryStatement"]
    query_id = client.start_query(QueryAlias=made["QueryAlias"])["QueryId"]
    assert ended(lake, query_id)["QueryStatus"] == "FINISHED"
    told = client.describe_query(QueryAlias=made["QueryAlias"])
    assert (told["QueryId"], told["Prompt"], told["QueryString"]) == (query_id, prompt, made["QueryStatement"])


@pytest.mark.parametrize("prompt", ["what is the weather in Paris", "write me a poem", "DROP TABLE events"])
def test_what_nothing_is_near_to_is_said_to_be_so(lake, prompt):
    with refused("GenerateResponseException"):
        lake.client("cloudtrail").generate_query(EventDataStores=[lake.store], Prompt=prompt)


def test_a_query_is_made_for_a_store_that_is_there(lake):
    client = lake.client("cloudtrail")
    with refused("EventDataStoreNotFoundException"):
        client.generate_query(EventDataStores=["11111111-2222-3333-4444-555555555555"], Prompt="who deleted trails")
    answer = call(lake, "GenerateQuery", {"EventDataStores": [lake.store], "Prompt": "a"})
    assert (answer.status, answer.code) == (400, "InvalidParameterException")


class Model(http.server.ThreadingHTTPServer):
    """Speaks as an endpoint for chat completions does; answers what it is told to, in order."""

    daemon_threads = True

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), Completion)
        self.answers, self.asked = list(answers), []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1/chat/completions"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Completion(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.headers.get("Authorization"), body))
        content = self.server.answers.pop(0) if self.server.answers else None
        answer = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
        self.send_response(200 if content is not None else 500)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def with_model(make_server, tmp_path, model):
    (tmp_path / "key").write_text("a secret\n")
    config = f'[generate]\nendpoint = "{model.url}"\nmodel = "m1"\napi_key_file = "{tmp_path / "key"}"\n'
    server = make_server(config=config)
    return server, default_store(server)


def test_a_model_may_write_queries_and_is_told_what_was_wrong(make_server, tmp_path):
    model = Model("```sql\nSELECT no_such_column FROM STORE\n```")
    server, store = with_model(make_server, tmp_path, model)
    model.answers = [f"SELECT no_such_column FROM {store}", f"```sql\nSELECT eventName FROM {store} LIMIT 7;\n```"]
    made = server.client("cloudtrail").generate_query(EventDataStores=[store], Prompt="write me a poem")
    assert made["QueryStatement"] == f"SELECT eventName FROM {store} LIMIT 7"
    (key, first), (_, second) = model.asked
    assert key == "Bearer a secret" and first["model"] == "m1" and first["messages"][-1]["content"] == "write me a poem"
    assert store in first["messages"][0]["content"] and "no_such_column" in second["messages"][-1]["content"]


def test_what_a_model_writes_is_checked_like_anything_else(make_server, tmp_path):
    model = Model()
    server, store = with_model(make_server, tmp_path, model)
    client = server.client("cloudtrail")
    other = client.create_event_data_store(Name="another")["EventDataStoreArn"].rsplit("/", 1)[1]
    for bad in [f"DELETE FROM {store}", f"SELECT eventName FROM {other}", "I cannot do that"]:
        model.answers = [bad, bad]
        with refused("GenerateResponseException"):
            client.generate_query(EventDataStores=[store], Prompt="write me a poem")
    # Without the model the library still answers.
    model.answers = []
    assert store in client.generate_query(EventDataStores=[store], Prompt="who deleted trails")["QueryStatement"]
