"""Prices of mutations that hash passwords, send mails or take guesses."""

from schema.cost.directives import Cost

#: Hashing a password with argon2 is slow on purpose: it takes 64 MiB of memory and all cores.
PASSWORD = Cost(weight="50")
#: A password is hashed and a mail is sent, perhaps to a person who has not requested it.
PASSWORD_AND_MAIL = Cost(weight="100")
#: A mail is sent, perhaps to a person who has not requested it.
MAIL = Cost(weight="50")
#: The price makes guessing a code expensive, in addition to the limit of five attempts.
GUESS = Cost(weight="20")
#: A mail is sent, perhaps to a person who has not requested it.
MAIL = Cost(weight="50")
#: A code is compared, and a password is hashed if it is right.
GUESS_AND_PASSWORD = Cost(weight="70")
#: One password is verified, and another one is hashed.
TWO_PASSWORDS = Cost(weight="100")
