"""Published vectors of the derivation, for the master seed 00 01 … 3f."""

MASTER_SEED = bytes(range(64))

WALLETS = {
    "alice": "5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G",
    "bob": "B17Lw1MKGhnxQvsQDb5Nursm6wBsFcxw2VeTvsPSsaz9",
    "7f1c2c1e-2f5c-4a55-9a7e-0d8a1d6f0a11": "CnutUJYki36We6t4RnaiobQhiCVnUWy8LssdZ9Ungqyh",
    "ünïcode-用户": "Gms5P3vWHKTWCbgTkxQFudER69mVpphMkYpnUoqoBzVm",
    "a" * 128: "EADGqY2V4pDLe5FbMm5n47hxdfBFFrAgp3YNhv4XmiWd",
}
"""User id → address."""

ESCROW = "CBX8oe7Qxgto74Evc1evF4iqArgY4NnFREhJKXAY47aG"
RECEIPT_KEY_HEX = "456a82490515cbe5b289bac07bc96427a4921359dc89e2f14ef74929c2d952ff"
