"""SQL against an independent engine: hundreds of generated queries over real records, in Trailkeep and, translated, in
DuckDB. What both are asked is drawn from a grammar with a seed; every difference fails with both texts."""

import gzip
import json
import random
from datetime import datetime

import duckdb
import pytest

from conftest import Server, eventually
from wire import make_token, post_events

SEED = 20261121
QUERIES = 320

TEXTS = ["eventName", "eventSource", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage", "eventType", "eventID"]
IDENTITY = ["type", "principalId", "arn", "accountId", "accessKeyId", "userName", "invokedBy"]
ISSUER = ["type", "arn", "userName"]
# Members whose values in the corpus are plain; nested ones print the record's own text here and DuckDB's there.
PARAMETERS = ["bucketName", "roleArn", "roleSessionName", "userName", "policyArn", "instanceId", "key", "maxResults", "Host"]


class Term:
    """An expression in both dialects."""

    def __init__(self, ours, theirs, kind="text"):
        self.ours, self.theirs, self.kind = ours, theirs, kind


def records_of(corpus):
    records = {}
    for path in sorted(corpus.glob("logfiles/**/*.json.gz")):
        for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]:
            records[record["recipientAccountId"], record["awsRegion"], record["eventID"]] = record
    return list(records.values())


@pytest.fixture(scope="module")
def records(corpus):
    return records_of(corpus)


@pytest.fixture(scope="module")
def ours(tmp_path_factory, records):
    server = Server(tmp_path_factory.mktemp("server")).start()
    token = make_token(server, "--ingest", "--adopt")
    # A store that takes nothing by itself: the calls of this test are not to be in it.
    made = server.client("cloudtrail").create_event_data_store(
        Name="differential", RetentionPeriod=3653, StartIngestion=False, TerminationProtectionEnabled=False
    )
    store = made["EventDataStoreArn"]
    for at in range(0, len(records), 500):
        answer = post_events(server, records[at : at + 500], token, query=f"?route=store:{store.rsplit('/', 1)[1]}")
        assert answer.status == 200 and not answer.json["rejected"], answer
    server.table = store.rsplit("/", 1)[1]
    eventually(lambda: run(server, f"SELECT count(*) AS n FROM {server.table}") == [(str(len(records)),)])
    yield server
    server.kill()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("duckdb") / "records.ndjson"
    path.write_text("\n".join(json.dumps(record, separators=(",", ":")) for record in records))
    issuer = "STRUCT(" + ", ".join(f"{name} VARCHAR" for name in ISSUER) + ")"
    session = f"STRUCT(sessionIssuer {issuer}, attributes STRUCT(mfaAuthenticated VARCHAR))"
    columns = {
        **dict.fromkeys(TEXTS, "VARCHAR"), "eventTime": "TIMESTAMP", "readOnly": "BOOLEAN", "managementEvent": "BOOLEAN",
        "userIdentity": "STRUCT(" + ", ".join(f"{name} VARCHAR" for name in IDENTITY) + f", sessionContext {session})",
        "requestParameters": "JSON", "responseElements": "JSON",
        "resources": "STRUCT(accountId VARCHAR, type VARCHAR, ARN VARCHAR)[]",
    }
    shape = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE events AS SELECT * FROM read_json('{path}', format = 'newline_delimited', columns = {{{shape}}})"
    )
    yield connection
    connection.close()


def run(server, sql):
    """All rows of a query, each as a tuple of texts."""
    client = server.client("cloudtrail")
    started = client.start_query(QueryStatement=sql)["QueryId"]
    rows, token = [], {}
    while True:
        page = eventually(lambda: ended(client, started, token))
        assert page["QueryStatus"] == "FINISHED", f"{sql}\n{page.get('ErrorMessage')}"
        rows += [tuple(next(iter(cell.values())) for cell in row) for row in page["QueryResultRows"]]
        if "NextToken" not in page:
            return rows
        token = {"NextToken": page["NextToken"]}


def ended(client, query, token):
    page = client.get_query_results(QueryId=query, **token)
    return page if page["QueryStatus"] not in ("QUEUED", "RUNNING") else None


def as_text(value):
    """A value of DuckDB as CloudTrail Lake prints it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.") + f"{value.microsecond // 1000:03}"
    return str(value)


class Grammar:
    def __init__(self, chance, records):
        self.chance, self.records = chance, records

    def quoted(self, text):
        return "'" + text.replace("'", "''") + "'"

    def text(self, depth=2):
        """An expression of type varchar."""
        if depth == 0 or self.chance.random() < 0.5:
            return self.column()
        inner = self.text(depth - 1)
        number = self.chance.randint(1, 6)
        return self.chance.choice([
            lambda: Term(f"lower({inner.ours})", f"lower({inner.theirs})"),
            lambda: Term(f"upper({inner.ours})", f"upper({inner.theirs})"),
            lambda: Term(f"substr({inner.ours}, {number}, 5)", f"substr({inner.theirs}, {number}, 5)"),
            lambda: Term(f"replace({inner.ours}, 'a', '_')", f"replace({inner.theirs}, 'a', '_')"),
            lambda: Term(f"coalesce({inner.ours}, 'none')", f"coalesce({inner.theirs}, 'none')"),
            lambda: Term(f"nullif({inner.ours}, 'us-east-1')", f"nullif({inner.theirs}, 'us-east-1')"),
            lambda: Term(f"concat({inner.ours}, '/', {inner.ours})", f"({inner.theirs} || '/' || {inner.theirs})"),
            lambda: Term(f"({inner.ours} || '!')", f"({inner.theirs} || '!')"),
            lambda: self.conditional(inner, depth),
        ])()

    def conditional(self, inner, depth):
        test, other = self.predicate(0), self.text(depth - 1)
        if self.chance.random() < 0.5:
            return Term(f"IF({test.ours}, {inner.ours}, {other.ours})",
                        f"CASE WHEN {test.theirs} THEN {inner.theirs} ELSE {other.theirs} END")
        return Term(f"CASE WHEN {test.ours} THEN {inner.ours} ELSE {other.ours} END",
                    f"CASE WHEN {test.theirs} THEN {inner.theirs} ELSE {other.theirs} END")

    def column(self):
        kind = self.chance.randrange(10)
        if kind < 5:
            name = self.chance.choice(TEXTS)
            return Term(self.chance.choice([name, name.lower()]), name)
        if kind < 7:
            name = self.chance.choice(IDENTITY)
            return Term(f"userIdentity.{name}", f"userIdentity.{name}")
        if kind < 8:
            name = self.chance.choice(ISSUER)
            path = f"sessionContext.sessionIssuer.{name}"
            return Term(f"userIdentity.{path}", f"userIdentity.{path}")
        name = self.chance.choice(PARAMETERS)
        theirs = f"json_extract_string(requestParameters, '$.\"{name}\"')"
        forms = [f"element_at(requestParameters, '{name}')", f"json_extract_scalar(requestParameters, '$.{name}')"]
        # A dotted path also takes a key of other case; some records have MaxResults.
        dotted = [f"requestParameters.{name}"] if name != "maxResults" else []
        ours = self.chance.choice(forms + dotted)
        return Term(ours, theirs)

    def number(self):
        text = self.text(1)
        return self.chance.choice([
            lambda: Term(f"length({text.ours})", f"length({text.theirs})", "number"),
            lambda: Term(f"strpos({text.ours}, 'e')", f"strpos({text.theirs}, 'e')", "number"),
            lambda: Term("cardinality(resources)", "len(resources)", "number"),
            lambda: Term("hour(eventTime)", "hour(eventTime)", "number"),
            lambda: Term("day_of_week(eventTime)", "isodow(eventTime)", "number"),
            lambda: Term("minute(eventTime) / 7", "minute(eventTime) // 7", "number"),
            lambda: Term("date_diff('hour', TIMESTAMP '2023-07-01 00:30:00', eventTime)",
                         "date_sub('hour', TIMESTAMP '2023-07-01 00:30:00', eventTime)", "number"),
        ])()

    def time(self):
        unit = self.chance.choice(["minute", "hour", "day", "week", "month"])
        return self.chance.choice([
            Term("eventTime", "eventTime", "time"),
            Term(f"date_trunc('{unit}', eventTime)", f"date_trunc('{unit}', eventTime)::TIMESTAMP", "time"),
            Term(f"date_add('{unit}', -2, eventTime)", f"(eventTime - INTERVAL 2 {unit})", "time"),
        ])

    def scalar(self):
        return self.chance.choice([self.text, self.text, self.text, self.number, self.time,
                                   lambda: Term("readOnly", "readOnly", "boolean")])()

    def value_of(self, name):
        """A value that some record has there."""
        for record in self.chance.sample(self.records, 50):
            value = record.get(name)
            if isinstance(value, str) and value.isascii() and len(value) < 80:
                return value
        return "nothing"

    def predicate(self, depth=2):
        if depth and self.chance.random() < 0.4:
            left, right = self.predicate(depth - 1), self.predicate(depth - 1)
            word = self.chance.choice(["AND", "OR"])
            return Term(f"({left.ours} {word} {right.ours})", f"({left.theirs} {word} {right.theirs})", "boolean")
        if depth and self.chance.random() < 0.1:
            inner = self.predicate(depth - 1)
            return Term(f"NOT {inner.ours}", f"NOT {inner.theirs}", "boolean")
        name = self.chance.choice(["eventName", "eventSource", "awsRegion", "errorCode", "sourceIPAddress"])
        value = self.value_of(name)
        text = self.text(1)
        piece = value[self.chance.randrange(len(value)) :][:4]
        same = lambda form: Term(form.format(x=name), form.format(x=name), "boolean")
        both = lambda form: Term(form.format(x=text.ours), form.format(x=text.theirs), "boolean")
        hour = self.chance.randint(10, 15)
        return self.chance.choice([
            lambda: same(f"{{x}} = {self.quoted(value)}"),
            lambda: same(f"{{x}} <> {self.quoted(value)}"),
            lambda: same(f"{{x}} IN ({self.quoted(value)}, {self.quoted(self.value_of(name))})"),
            lambda: same(f"{{x}} NOT IN ({self.quoted(value)}, 'x')"),
            lambda: both(f"{{x}} LIKE {self.quoted('%' + piece + '%')}"),
            lambda: both(f"{{x}} NOT LIKE {self.quoted('%' + piece + '%')}"),
            lambda: both(f"{{x}} LIKE {self.quoted('_' + value[1:])}"),
            lambda: both("{x} IS NULL"),
            lambda: both("{x} IS NOT NULL"),
            lambda: both(f"{{x}} IS DISTINCT FROM {self.quoted(value)}"),
            lambda: both(f"starts_with({{x}}, {self.quoted(value[:3])})"),
            lambda: Term(f"regexp_like({text.ours}, '[0-9]{{2}}')", f"regexp_matches({text.theirs}, '[0-9]{{2}}')", "boolean"),
            lambda: Term(f"eventTime > '2023-07-10 {hour}:00:00'", f"eventTime > TIMESTAMP '2023-07-10 {hour}:00:00'", "boolean"),
            lambda: Term(f"eventTime BETWEEN '2023-07-10T00:00:00Z' AND '2023-07-10T{hour}:00:00Z'",
                         f"eventTime BETWEEN TIMESTAMP '2023-07-10 00:00:00' AND TIMESTAMP '2023-07-10 {hour}:00:00'", "boolean"),
            lambda: Term("readOnly = true", "readOnly = true", "boolean"),
            lambda: Term("NOT readOnly", "NOT readOnly", "boolean"),
        ])()

    def where(self):
        if self.chance.random() < 0.25:
            return Term("", "")
        test = self.predicate()
        return Term(f" WHERE {test.ours}", f" WHERE {test.theirs}")

    def plain(self):
        terms = [self.scalar() for _ in range(self.chance.randint(1, 4))]
        where = self.where()
        distinct = self.chance.random() < 0.2
        head, tail = ("DISTINCT ", "") if distinct else ("", f" ORDER BY eventTime DESC, eventID LIMIT {self.chance.randint(1, 60)}")
        return (f"SELECT {head}{', '.join(t.ours for t in terms)} FROM $TABLE{where.ours}{tail}",
                f"SELECT {head}{', '.join(t.theirs for t in terms)} FROM $TABLE{where.theirs}{tail}", distinct)

    def grouped(self):
        keys = [self.scalar() for _ in range(self.chance.randint(0, 2))]
        term, number, test = self.text(1), self.number(), self.predicate(0)
        aggregates = [
            Term("count(*)", "count(*)"),
            Term(f"count({term.ours})", f"count({term.theirs})"),
            Term(f"count(DISTINCT {term.ours})", f"count(DISTINCT {term.theirs})"),
            Term(f"min({term.ours})", f"min({term.theirs})"),
            Term(f"max({term.ours})", f"max({term.theirs})"),
            Term(f"sum({number.ours})", f"sum({number.theirs})"),
            Term("max(eventTime)", "max(eventTime)"),
            Term(f"count_if({test.ours})", f"coalesce(count_if({test.theirs}), 0)"),
            Term(f"sum(IF({test.ours}, 1, 0))", f"sum(CASE WHEN {test.theirs} THEN 1 ELSE 0 END)"),
            Term(f"count(*) FILTER (WHERE {test.ours})", f"count(*) FILTER (WHERE {test.theirs})"),
            Term("max(eventID)", "max(eventID)"),
        ]
        chosen = self.chance.sample(aggregates, self.chance.randint(1, 3))
        where = self.where()
        columns = keys + chosen
        by = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
        having = " HAVING count(*) > 2" if keys and self.chance.random() < 0.3 else ""
        return (f"SELECT {', '.join(t.ours for t in columns)} FROM $TABLE{where.ours}{by}{having}",
                f"SELECT {', '.join(t.theirs for t in columns)} FROM $TABLE{where.theirs}{by}{having}", True)

    def unnested(self):
        where = self.where()
        return (f"SELECT r.type, count(*) FROM $TABLE CROSS JOIN UNNEST(resources) AS t(r){where.ours} GROUP BY r.type",
                f"SELECT r.type, count(*) FROM (SELECT *, unnest(resources) AS r FROM $TABLE){where.theirs} GROUP BY r.type", True)

    def combined(self):
        first, second = self.text(0), self.text(0)
        one, two = self.where(), self.where()
        word = self.chance.choice(["UNION", "UNION ALL", "EXCEPT", "INTERSECT"])
        return (f"SELECT {first.ours} AS x FROM $TABLE{one.ours} {word} SELECT {second.ours} FROM $TABLE{two.ours}",
                f"SELECT {first.theirs} AS x FROM $TABLE{one.theirs} {word} SELECT {second.theirs} FROM $TABLE{two.theirs}", True)

    def nested(self):
        name = self.chance.choice(["eventName", "eventSource", "awsRegion"])
        where = self.where()
        ranked = "SELECT {x} AS x, count(*) AS n, rank() OVER (ORDER BY count(*) DESC) AS place FROM $TABLE{w} GROUP BY {x}"
        return (f"WITH ranked AS ({ranked.format(x=name, w=where.ours)}) SELECT x, n, place FROM ranked WHERE place <= 5",
                f"WITH ranked AS ({ranked.format(x=name, w=where.theirs)}) SELECT x, n, place FROM ranked WHERE place <= 5", True)

    def query(self):
        """Ours, theirs, and whether the order of rows is open."""
        kinds = [self.plain] * 8 + [self.grouped] * 8 + [self.unnested, self.combined, self.combined, self.nested]
        return self.chance.choice(kinds)()


def test_generated_queries_agree_with_an_independent_engine(ours, theirs, records):
    print(f"seed {SEED}")
    grammar = Grammar(random.Random(SEED), records)
    differences = []
    for number in range(QUERIES):
        mine, other, open_order = grammar.query()
        try:
            found = run(ours, mine.replace("$TABLE", ours.table))
        except Exception as error:  # noqa: BLE001 - every failure is told with its query
            differences.append(f"{number}: {mine}\n    {error}")
            continue
        expected = [tuple(map(as_text, row)) for row in theirs.execute(other.replace("$TABLE", "events")).fetchall()]
        if open_order:
            found, expected = (sorted(rows, key=lambda row: [(cell is None, cell or "") for cell in row]) for rows in (found, expected))
        if found != expected:
            place = next((i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1]), min(len(found), len(expected)))
            differences.append(
                f"{number}: {mine}\n    {other}\n    {len(found)} rows, not {len(expected)}; at {place}: "
                f"{found[place:place + 1]}, not {expected[place:place + 1]}"
            )
    assert not differences, f"{len(differences)} of {QUERIES} differ\n" + "\n".join(differences)
