"""Queries over event data stores: starting, watching, reading, listing and cancelling them."""

import base64
import datetime
import json
import re

import pytest

from conftest import Server, eventually
from wire import ACCOUNT, call, found, kept, post_events, record, refused, send

FINAL = {"FINISHED", "FAILED", "CANCELLED", "TIMED_OUT"}
COUNT = 60
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def default_store(server):
    """The id of the event data store that is there from the first start on."""
    stores = server.client("cloudtrail").list_event_data_stores()["EventDataStores"]
    return stores[0]["EventDataStoreArn"].rsplit("/", 1)[1]


def start(server, statement, client=None, **arguments):
    return (client or server.client("cloudtrail")).start_query(QueryStatement=statement, **arguments)["QueryId"]


def ended(server, query_id, client=None, seconds=60):
    """What DescribeQuery says once the query has ended."""
    client = client or server.client("cloudtrail")

    def described():
        told = client.describe_query(QueryId=query_id)
        return told if told["QueryStatus"] in FINAL else None

    return eventually(described, seconds)


def finished(server, statement, client=None, **arguments):
    query_id = start(server, statement, client, **arguments)
    told = ended(server, query_id, client)
    assert told["QueryStatus"] == "FINISHED", told
    return query_id


def pages(server, query_id, client=None, **arguments):
    client = client or server.client("cloudtrail")
    token = {}
    while True:
        page = client.get_query_results(QueryId=query_id, **arguments, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def rows(server, query_id, client=None, **arguments):
    """All rows, each as a list of pairs."""
    return [
        [next(iter(cell.items())) for cell in row] for page in pages(server, query_id, client, **arguments) for row in page["QueryResultRows"]
    ]


def ask(server, statement, **arguments):
    """The values of all rows of a statement."""
    return [[value for _, value in row] for row in rows(server, finished(server, statement, **arguments))]


def visible(server, store, event_id):
    return ask(server, f"SELECT COUNT(*) FROM {store} WHERE eventID = '{event_id}'") == [["1"]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A server with a second account, and COUNT events in its store."""
    keys = '[[account]]\nid = "210987654321"\nname = "b"\naccess_key_id = "AKIAOTHERACCOUNT0001"\nsecret_access_key = "othersecret"\n'
    server = Server(tmp_path_factory.mktemp("lake"), config=keys).start()
    server.store = default_store(server)
    events = [
        record(f"Number{n % 3}", seconds_ago=60 + n, errorCode="AccessDenied" if n % 10 == 0 else None,
               requestParameters={"n": n, "bucketName": f"bucket-{n % 4}"}) for n in range(COUNT)
    ]
    kept(post_events(server, events), COUNT)
    server.events = sorted(events, key=lambda event: event["eventTime"])
    eventually(lambda: visible(server, server.store, events[-1]["eventID"]))
    yield server
    server.kill()


def other(server, **settings):
    return server.client("cloudtrail", aws_access_key_id="AKIAOTHERACCOUNT0001", aws_secret_access_key="othersecret", **settings)


TEST_EVENTS = "eventSource = 'test.example.com'"
# Ends long after every test: COUNT to the sixth rows.
HEAVY = "SELECT COUNT(*) FROM {0} a CROSS JOIN {0} b CROSS JOIN {0} c CROSS JOIN {0} d CROSS JOIN {0} e CROSS JOIN {0} f WHERE a.eventName < b.eventName OR c.eventName < d.eventName OR e.eventID < f.eventID"


def test_a_query_gives_its_rows_as_lists_of_texts(lake):
    query_id = finished(lake, f"SELECT eventName, userIdentity.userName, errorCode, COUNT(*) AS n, COUNT(*) FROM {lake.store} "
                              f"WHERE {TEST_EVENTS} AND eventName = 'Number0' GROUP BY eventName, userIdentity.userName, errorCode ORDER BY n")
    assert UUID.fullmatch(query_id)
    page = lake.client("cloudtrail").get_query_results(QueryId=query_id)
    assert page["QueryStatus"] == "FINISHED" and "NextToken" not in page and "ErrorMessage" not in page
    assert page["QueryResultRows"] == [
        [{"eventName": "Number0"}, {"userName": "dana"}, {"errorCode": "AccessDenied"}, {"n": "2"}, {"_col4": "2"}],
        [{"eventName": "Number0"}, {"userName": "dana"}, {"errorCode": None}, {"n": "18"}, {"_col4": "18"}],
    ]
    statistics = page["QueryStatistics"]
    assert (statistics["ResultsCount"], statistics["TotalResultsCount"]) == (2, 2) and statistics["BytesScanned"] > 0


def test_describe_tells_what_was_asked_and_what_it_took(lake):
    statement = f"SELECT eventID FROM {lake.store} WHERE {TEST_EVENTS} AND eventName = 'Number1'"
    told = ended(lake, start(lake, statement))
    assert (told["QueryString"], told["QueryStatus"]) == (statement, "FINISHED")
    assert told["EventDataStoreOwnerAccountId"] == ACCOUNT and "ErrorMessage" not in told and "DeliveryStatus" not in told
    statistics = told["QueryStatistics"]
    assert statistics["EventsMatched"] == COUNT // 3
    assert statistics["EventsScanned"] >= COUNT and statistics["BytesScanned"] > 0
    assert 0 <= statistics["ExecutionTimeInMillis"] < 60_000
    age = datetime.datetime.now(datetime.UTC) - statistics["CreationTime"]
    assert abs(age.total_seconds()) < 60


def test_the_aws_cli_runs_a_query(lake):
    started = lake.aws("cloudtrail", "start-query", "--query-statement", f"SELECT COUNT(*) AS n FROM {lake.store} WHERE {TEST_EVENTS}")
    query_id = started["QueryId"]
    eventually(lambda: lake.aws("cloudtrail", "describe-query", "--query-id", query_id)["QueryStatus"] == "FINISHED")
    results = lake.aws("cloudtrail", "get-query-results", "--query-id", query_id, "--event-data-store", lake.store)
    assert results["QueryResultRows"] == [[{"n": str(COUNT)}]]
    listed = lake.aws("cloudtrail", "list-queries", "--event-data-store", lake.store)["Queries"]
    assert query_id in [query["QueryId"] for query in listed]
    done = lake.aws("cloudtrail", "cancel-query", "--query-id", query_id, check=False)
    assert "InactiveQueryException" in done.stderr


@pytest.mark.parametrize("statement, told", [
    ("SELEC eventID FROM {0}", "line 1:1"),
    ("SELECT eventID\nFROM {0}\nWHERE eventNam = 'x'", "line 3:7"),
    ("SELECT no_such_function(eventID) FROM {0}", "no_such_function"),
    ("SELECT eventID FROM {0} WHERE eventTime > 'yesterday'", "yesterday"),
    ("DELETE FROM {0}", "SELECT"),
    ("CREATE EXTERNAL TABLE x (a STRING) LOCATION 's3://b/'", "SELECT"),
    ("SELECT eventID FROM {0}; SELECT 1", "one statement"),
    ("SELECT 1", "no event data store"),
    ("SELECT eventID FROM {0} WHERE", "line 1"),
    ("SELECT eventID FROM {0} --" + "x" * 10_000, "10000"),
])
def test_an_invalid_statement_is_refused_and_the_place_is_named(lake, statement, told):
    with refused("InvalidQueryStatementException", told):
        start(lake, statement.format(lake.store))


def test_a_store_that_does_not_exist_is_not_found(lake):
    with refused("EventDataStoreNotFoundException"):
        start(lake, "SELECT eventID FROM 11111111-2222-3333-4444-555555555555")
    client = lake.client("cloudtrail")
    with refused("EventDataStoreNotFoundException"):
        client.list_queries(EventDataStore="11111111-2222-3333-4444-555555555555")
    with refused("EventDataStoreARNInvalidException"):
        client.list_queries(EventDataStore="arn:aws:cloudtrail:us-east-1:123456789012:trail/t")
    with refused("EventDataStoreNotFoundException"):
        start(lake, f"SELECT eventID FROM {lake.store}", lake.client("cloudtrail", "eu-west-1"))


def test_arguments_that_do_not_go_together_are_refused(lake):
    client = lake.client("cloudtrail")
    for arguments in [{}, {"QueryStatement": "SELECT 1", "QueryAlias": "a"}]:
        with refused("InvalidParameterException"):
            client.start_query(**arguments)
    with refused("InvalidParameterException", "alias"):
        client.start_query(QueryAlias="no-such-alias")
    for arguments in [{}, {"QueryId": "0" * 36, "QueryAlias": "a"}]:
        with refused("InvalidParameterException"):
            client.describe_query(**arguments)
    unknown = "01234567-89ab-cdef-0123-456789abcdef"
    for method in [client.describe_query, client.get_query_results, client.cancel_query]:
        with refused("QueryIdNotFoundException"):
            method(QueryId=unknown)
    with refused("QueryIdNotFoundException"):
        client.describe_query(QueryAlias="no-such-alias")


def test_pages_put_together_are_the_rows(lake):
    statement = f"SELECT eventTime, eventID FROM {lake.store} WHERE {TEST_EVENTS} ORDER BY eventTime, eventID"
    query_id = finished(lake, statement)
    whole = rows(lake, query_id)
    assert len(whole) == COUNT and whole == sorted(whole)
    assert [row[0][1] for row in whole] == [event["eventTime"].replace("T", " ").replace("Z", ".000") for event in lake.events]
    for size in [1, 7, COUNT - 1, COUNT, 1000]:
        got = list(pages(lake, query_id, MaxQueryResults=size))
        assert all(page["QueryStatistics"]["ResultsCount"] == len(page["QueryResultRows"]) <= size for page in got)
        assert all(page["QueryStatistics"]["TotalResultsCount"] == COUNT for page in got)
        assert len(got) == -(-COUNT // size) and rows(lake, query_id, MaxQueryResults=size) == whole


def test_tokens_are_bound_to_the_query_and_cannot_be_made_up(lake):
    client = lake.client("cloudtrail")
    one, two = (finished(lake, f"SELECT eventID FROM {lake.store} WHERE {TEST_EVENTS}") for _ in range(2))
    token = client.get_query_results(QueryId=one, MaxQueryResults=5)["NextToken"]
    assert client.get_query_results(QueryId=one, MaxQueryResults=9, NextToken=token)["QueryStatistics"]["ResultsCount"] == 9
    payload, tag = token.split(".")
    place = json.loads(base64.urlsafe_b64decode(payload + "=="))
    place["p"] = 0
    forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    for text in [f"{forged}.{tag}", f"{payload}.{tag[:-2]}AA", payload, "made up", f".{tag}", "." * 4]:
        with refused("InvalidNextTokenException"):
            client.get_query_results(QueryId=one, NextToken=text)
    with refused("InvalidNextTokenException"):
        client.get_query_results(QueryId=two, NextToken=token)
    with refused("InvalidNextTokenException"):
        client.list_queries(EventDataStore=lake.store, NextToken=token)
    answer = call(lake, "GetQueryResults", {"QueryId": one, "MaxQueryResults": 1001})
    assert (answer.status, answer.code) == (400, "InvalidMaxResultsException")


def test_queries_are_listed_newest_first(lake):
    client = lake.client("cloudtrail")
    mine = [finished(lake, f"SELECT eventID FROM {lake.store} LIMIT {n + 1}") for n in range(5)]
    listed = client.list_queries(EventDataStore=lake.store)["Queries"]
    assert [query["QueryId"] for query in listed][:5] == mine[::-1]
    assert all(query["QueryStatus"] in FINAL and query["CreationTime"] for query in listed[:5])
    got, token = [], {}
    while True:
        page = client.list_queries(EventDataStore=lake.store, MaxResults=2, **token)
        got += [query["QueryId"] for query in page["Queries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert got == [query["QueryId"] for query in listed]
    assert not client.list_queries(EventDataStore=lake.store, QueryStatus="TIMED_OUT")["Queries"]
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.UTC)
    assert not client.list_queries(EventDataStore=lake.store, EndTime=now - hour)["Queries"]
    assert client.list_queries(EventDataStore=lake.store, StartTime=now - hour, EndTime=now + hour)["Queries"]
    with refused("InvalidDateRangeException"):
        client.list_queries(EventDataStore=lake.store, StartTime=now, EndTime=now - hour)
    answer = call(lake, "ListQueries", {"EventDataStore": lake.store, "QueryStatus": "DONE"})
    assert (answer.status, answer.code) == (400, "InvalidQueryStatusException")


def test_parameters_are_put_into_a_statement(lake):
    statement = f"SELECT DATE_TRUNC('?', eventTime), COUNT(*) FROM {lake.store} WHERE eventName = '?' AND eventTime > '?' GROUP BY DATE_TRUNC('?', eventTime)"
    client = lake.client("cloudtrail")
    parameters = ["year", "Number1", "2020-01-01T00:00:00Z", "year"]
    query_id = client.start_query(QueryStatement=statement, QueryParameters=parameters)["QueryId"]
    assert ended(lake, query_id)["QueryStatus"] == "FINISHED"
    assert sum(int(row[1][1]) for row in rows(lake, query_id)) == COUNT // 3
    assert "'Number1'" in client.describe_query(QueryId=query_id)["QueryString"]
    with refused("InvalidQueryStatementException", "parameter"):
        client.start_query(QueryStatement=statement, QueryParameters=parameters[:3])
    # A quote in a value stays a value.
    query_id = client.start_query(QueryStatement=statement, QueryParameters=["year", "x' OR '1'='1", "2020-01-01", "year"])["QueryId"]
    assert ended(lake, query_id)["QueryStatus"] == "FINISHED" and rows(lake, query_id) == []


def test_a_sample_query_is_started_by_its_alias(lake):
    client = lake.client("cloudtrail")
    alias = "sample.Everything-one-IAM-user-did"
    query_id = client.start_query(QueryAlias=alias, QueryParameters=["dana"])["QueryId"]
    assert ended(lake, query_id)["QueryStatus"] == "FINISHED" and len(rows(lake, query_id)) >= COUNT
    assert client.describe_query(QueryAlias=alias)["QueryId"] == query_id
    with refused("QueryIdNotFoundException"):
        client.describe_query(QueryAlias=alias, RefreshId="1234567890")


def test_a_query_that_fails_while_it_runs_says_why(lake):
    told = ended(lake, start(lake, f"SELECT requestParameters['missing'] FROM {lake.store} WHERE {TEST_EVENTS}"))
    assert told["QueryStatus"] == "FAILED" and "missing" in told["ErrorMessage"]
    page = lake.client("cloudtrail").get_query_results(QueryId=told["QueryId"])
    assert page["QueryStatus"] == "FAILED" and page["QueryResultRows"] == [] and "missing" in page["ErrorMessage"]


def test_a_query_that_runs_has_no_rows_and_can_be_cancelled(lake):
    client = lake.client("cloudtrail")
    query_id = start(lake, HEAVY.format(lake.store))
    eventually(lambda: client.describe_query(QueryId=query_id)["QueryStatus"] == "RUNNING")
    page = client.get_query_results(QueryId=query_id)
    assert (page["QueryStatus"], page["QueryResultRows"]) == ("RUNNING", [])
    assert client.cancel_query(QueryId=query_id)["QueryStatus"] == "CANCELLED"
    assert client.describe_query(QueryId=query_id)["QueryStatus"] == "CANCELLED"
    with refused("InactiveQueryException"):
        client.cancel_query(QueryId=query_id)
    assert client.get_query_results(QueryId=query_id)["QueryResultRows"] == []


def test_ten_queries_of_an_account_wait_or_run_at_a_time(lake):
    client = lake.client("cloudtrail")
    ten = [start(lake, HEAVY.format(lake.store)) for _ in range(10)]
    try:
        with refused("MaxConcurrentQueriesException"):
            start(lake, f"SELECT 1 FROM {lake.store}")
        listed = client.list_queries(EventDataStore=lake.store, MaxResults=10)["Queries"]
        assert [query["QueryId"] for query in listed] == ten[::-1]
        client.cancel_query(QueryId=ten.pop())
        started = start(lake, f"SELECT COUNT(*) FROM {lake.store}")
        ten.append(started)
        # What is light is not held up for ever by what is heavy.
        assert ended(lake, ten.pop())["QueryStatus"] == "FINISHED"
    finally:
        for query_id in ten:
            client.cancel_query(QueryId=query_id)


def test_accounts_do_not_see_each_other(lake):
    stranger = other(lake)
    query_id = finished(lake, f"SELECT eventID FROM {lake.store} LIMIT 1")
    with refused("EventDataStoreNotFoundException"):
        start(lake, f"SELECT eventID FROM {lake.store}", stranger)
    with refused("EventDataStoreNotFoundException"):
        stranger.list_queries(EventDataStore=lake.store)
    for method in [stranger.describe_query, stranger.get_query_results, stranger.cancel_query]:
        with refused("QueryIdNotFoundException"):
            method(QueryId=query_id)
        with refused("QueryIdNotFoundException"):
            method(QueryId=query_id, EventDataStoreOwnerAccountId=ACCOUNT)


def test_a_resource_policy_lets_another_account_in(lake):
    client, stranger = lake.client("cloudtrail"), other(lake)
    arn = client.get_event_data_store(EventDataStore=lake.store)["EventDataStoreArn"]
    actions = ["cloudtrail:StartQuery", "cloudtrail:DescribeQuery", "cloudtrail:GetQueryResults"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": actions, "Resource": arn}]}
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=json.dumps(policy))
    try:
        started = stranger.start_query(QueryStatement=f"SELECT COUNT(*) FROM {lake.store} WHERE {TEST_EVENTS}", EventDataStoreOwnerAccountId=ACCOUNT)
        assert started["EventDataStoreOwnerAccountId"] == ACCOUNT
        assert ended(lake, started["QueryId"], stranger)["QueryStatus"] == "FINISHED"
        assert rows(lake, started["QueryId"], stranger) == [[("_col0", str(COUNT))]]
        # What the policy does not name stays closed.
        with refused("AccessDeniedException"):
            stranger.cancel_query(QueryId=started["QueryId"])
    finally:
        client.delete_resource_policy(ResourceArn=arn)
    with refused("AccessDeniedException"):
        stranger.get_query_results(QueryId=started["QueryId"])


def test_queries_are_recorded_as_calls(lake):
    statement = f"SELECT eventID FROM {lake.store} WHERE eventName = 'a text of its own'"
    query_id = finished(lake, statement)

    def recorded(name, member, value):
        events = [json.loads(event["CloudTrailEvent"]) for event in found(lake, "EventName", name)]
        return [event for event in events if (event["requestParameters"] or {}).get(member) == value]

    assert len(eventually(lambda: recorded("StartQuery", "queryStatement", statement))) == 1
    assert eventually(lambda: recorded("DescribeQuery", "queryId", query_id))


def test_a_store_that_is_deleted_cannot_be_queried(make_server):
    server = make_server()
    client = server.client("cloudtrail")
    made = client.create_event_data_store(Name="short-lived", TerminationProtectionEnabled=False)
    arn = made["EventDataStoreArn"]
    store = arn.rsplit("/", 1)[1]
    eventually(lambda: client.get_event_data_store(EventDataStore=arn)["Status"] == "ENABLED")
    query_id = finished(server, f"SELECT COUNT(*) FROM {store}")
    client.delete_event_data_store(EventDataStore=arn)
    with refused("InactiveEventDataStoreException"):
        start(server, f"SELECT eventID FROM {store}")
    with refused("InactiveEventDataStoreException"):
        client.list_queries(EventDataStore=store)
    for method in [client.describe_query, client.get_query_results, client.cancel_query]:
        with refused("InactiveEventDataStoreException"):
            method(QueryId=query_id)
    with refused("InactiveEventDataStoreException"):
        client.generate_query(EventDataStores=[store], Prompt="who deleted trails")


def test_after_a_crash_running_queries_have_failed_and_finished_ones_are_readable(make_server):
    server = make_server()
    store = default_store(server)
    kept(post_events(server, [record(seconds_ago=n) for n in range(COUNT)]), COUNT)
    done = finished(server, f"SELECT eventName FROM {store} LIMIT 3")
    before = rows(server, done)
    running = start(server, HEAVY.format(store))
    client = server.client("cloudtrail")
    eventually(lambda: client.describe_query(QueryId=running)["QueryStatus"] == "RUNNING")
    server.kill()
    leftover = server.data / "lake" / "results" / "01234567-89ab-cdef-0123-456789abcdef.tmp"
    leftover.write_bytes(b"unfinished")
    server.start()
    told = client.describe_query(QueryId=running)
    assert told["QueryStatus"] == "FAILED" and "interrupted" in told["ErrorMessage"]
    assert rows(server, done) == before
    assert not leftover.exists()


def test_a_query_that_runs_too_long_keeps_the_rows_it_had(make_server):
    server = make_server(config='[queries]\ntime_limit = "3s"\n')
    store = default_store(server)
    kept(post_events(server, [record(seconds_ago=n) for n in range(COUNT)]), COUNT)
    server.aws("s3", "mb", "s3://results")
    query_id = start(server, HEAVY.format(store), DeliveryS3Uri="s3://results")
    told = ended(server, query_id)
    assert told["QueryStatus"] == "TIMED_OUT" and told["DeliveryStatus"] == "FAILED", told
    page = server.client("cloudtrail").get_query_results(QueryId=query_id)
    assert page["QueryStatus"] == "TIMED_OUT" and page["QueryResultRows"] == []
