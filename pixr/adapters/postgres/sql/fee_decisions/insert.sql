-- One row for each minute in which payouts waited.
INSERT INTO fee_decisions (
    decided_at, policy, inputs, is_payday, reason, payouts_now, bid_percent, bid_price,
    transactions, fee_lamports_max
)
VALUES (
    %(now)s, %(policy)s, %(inputs)s, %(is_payday)s, %(reason)s, %(payouts_now)s,
    %(bid_percent)s, %(bid_price)s, %(transactions)s, %(fee_lamports_max)s
)
