-- Asks Jeton about the request that HAProxy holds: see haproxy.cfg.

-- What stands in the answer, by the variable that it is kept in.
local ANSWERED = {
    jeton_challenge = "www-authenticate",
    jeton_retry = "retry-after",
    jeton_limits = "ratelimit",
    jeton_policy = "ratelimit-policy",
    jeton_app = "x-auth-app",
    jeton_token_id = "x-auth-token-id",
    jeton_user = "x-auth-user",
    jeton_scopes = "x-auth-scopes",
}
-- What Jeton is sent of the client's headers, each as often as it came. Add "cookie" or "x-api-key" where `credentials` of the
-- settings names one.
local ASKED = {"authorization", "x-access-token", "origin", "access-control-request-method"}

local function ask(txn, url)
    local held, headers = txn.http:req_get_headers(), {}
    for _, name in ipairs(ASKED) do
        -- HAProxy counts the values from 0.
        for index, value in pairs(held[name] or {}) do
            headers[name] = headers[name] or {}
            headers[name][index + 1] = value
        end
    end
    headers["x-original-method"] = {txn.f:method()}
    headers["x-original-uri"] = {txn.f:pathq()}
    headers["x-forwarded-for"] = {tostring(txn.f:src())}

    -- Whatever goes wrong here is an outage.
    txn:set_var("txn.jeton_status", 0)
    local done, answer = pcall(function()
        -- HAProxy asks up to four times where nothing is answered: 5 s in all.
        return core.httpclient():get{url = url, headers = headers, timeout = 1250}
    end)
    if not done or not answer or not answer.status then return end
    txn:set_var("txn.jeton_status", answer.status)
    for variable, name in pairs(ANSWERED) do
        local values = answer.headers and answer.headers[name]
        txn:set_var("txn." .. variable, values and values[0] or "")
    end
end

core.register_action("jeton", {"http-req"}, ask, 1)
