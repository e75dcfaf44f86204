-- Is this the wallet of some user of ours?
SELECT EXISTS (SELECT FROM user_wallets WHERE address = %(address)s) AS is_ours
