-- What wrk sends, and what it tells at the end: one line of JSON. METHOD and BODY_BYTES come in the environment.
wrk.method = os.getenv("METHOD")
local bytes = tonumber(os.getenv("BODY_BYTES"))
if bytes > 0 then wrk.body = string.rep("x", bytes) end
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")
wrk.headers["X-Amz-Date"] = "20261201T000000Z"
wrk.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"

done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_us":%.1f,"p99_us":%.1f,"errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
