"""What the stacks of these tests choose; apart from synthesize.py, whose imports start Node."""

CHOSEN: dict[str, dict[str, str]] = {
    "prod": {
        "batch_size": "60",
        "min_batch_amount": "0.02",
        "view_rate_lamports": "30000",
        "platform_fee_bps": "600",
        "investor_share_bps": "2500",
        "views_per_viewer_day": "4",
        "payout_deadline_s": "0",
        "funding_days": "14",
        "receipt_retention_hours": "48",
        "hot_float_lamports": "50000000000",
        "lookup_tables": "true",
        "sign_limit_10min_sol": "2000",
        "sign_limit_1h_sol": "6000.5",
        "sign_limit_24h_sol": "40000",
        "sign_limit_10min_bps": "6000",
        "sign_limit_1h_bps": "8000",
        "sign_limit_24h_bps": "10000",
        "money_token_age_s": "600",
        "reads_per_minute": "200",
        "money_per_minute": "5",
        "views_per_minute": "300",
        "address_per_minute": "900",
        "small_withdrawal_sol": "0.5",
        "withdraw_limit_1h_sol": "200",
        "withdraw_limit_24h_sol": "900.5",
        "withdrawals_1h_max": "5",
        "withdrawals_24h_max": "20",
        "return_cap_bps": "0",
        "redis_replicas_min": "1",
    }
}
"""Business settings with another value than the default, by stage."""

KEYS_IN_KMS = {
    "master_seed_arn": "arn:aws:kms:us-east-1:111111111111:key/0a0a0a0a-0000-4000-8000-0000000001",
    "treasury_key_arn": "arn:aws:kms:us-east-1:111111111111:key/mrk-0a0a0a0a0000400080000000000002",
}
"""What the stage dev-kms chooses: dev with its keys in KMS."""
