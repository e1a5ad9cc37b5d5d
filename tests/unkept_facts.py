"""Facts of the examples that clones do not keep yet: take a name out as soon as a clone keeps it."""

# fmt: off
NOT_YET: dict[str, frozenset[str]] = {
    "bank": frozenset({
        "salary-is-income", "amount-by-account-kind", "account-meets-merchant", "salary-repeats", "monthly-salary",
        "running-balance", "balance", "transaction-count", "last-booked", "holder-shares", "one-primary-holder",
        "month-sums", "month-chain", "month-ends", "panel-without-gaps", "inflow-is-sum-of-bookings", "daily-rates",
        "currency-is-copied", "instalment", "remaining", "loan-remaining", "interest", "due-monthly", "paid-on",
        "heavy-tail-of-income", "score-decides", "alerts-on-cards", "alerts-are-large", "opened-after-joining",
        "booked-while-open", "loan-after-account", "employer", "merchant-of-cards", "unknown-counterparties",
        "zip-decides-city", "city-decides-state", "fee-by-kind", "salaries-come-in", "household-address",
        "branch-levels", "accounts-at-branches", "league-ranks", "league-volume", "anonymous-start",
    }),
    "clinic": frozenset({
        "children-see-pediatricians", "specialty-meets-diagnosis", "same-clinic-again", "follow-up-after-two-weeks",
        "doses-four-weeks-apart", "dose-numbers", "working-days", "admission-states", "admission-ends",
        "admission-in-order", "discharged-at", "visit-count", "invoice-total", "invoice-shares", "line-amount",
        "total-dose", "prescription-end", "duration", "service-price", "unit-of-test", "abnormal", "manufacturer",
        "zip-decides-city", "city-decides-state", "user-group", "left-after-hired", "alive", "born-before-registered",
        "cancelled-at", "times-of-done-visits", "invoice-if-done", "login-without-patient", "room-null",
        "measured-together", "family-address", "manager-level", "manager-earns-more", "directors",
        "doctors-are-doctors", "doctor-numbers", "priorities", "positions", "serum-device",
    }),
    "shop": frozenset({
        "segment-meets-tier-in-reviews", "segment-meets-tier-in-order-lines", "orders-bring-tickets",
        "subscribers-order-monthly", "order-states", "status-is-last-event", "shipped-at-is-the-event",
        "net-is-sum-of-lines", "order-count", "last-order-at", "lifetime-value", "line-total", "gross",
        "tax-follows-country", "zip-decides-city", "city-decides-state", "shipped-after-ordered",
        "discontinued-after-listed", "ticket-after-order", "reviewed-after-listed", "cancelled-at", "last-order-null",
        "line-numbers", "heavy-tail-of-prices",
    }),
}
# fmt: on
