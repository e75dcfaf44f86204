-- Whether a user is a creator; who is not can only have earned a return.
SELECT EXISTS (SELECT FROM contents WHERE creator_id = %(user_id)s) AS is_creator,
       EXISTS (SELECT FROM content_investments WHERE user_id = %(user_id)s) AS is_investor
