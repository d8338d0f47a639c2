"""How passwords are hashed, and which ones people may choose."""

# The first one hashes new passwords; the others check those that were imported, once.
HASHERS = [
    "users.passwords.hashers.django_hashes.Argon2Hasher",
    "users.passwords.hashers.django_hashes.PBKDF2Hasher",
    "users.passwords.hashers.django_hashes.PBKDF2SHA1Hasher",
    "users.passwords.hashers.django_hashes.ScryptHasher",
    "users.passwords.hashers.bcrypt_hashes.BcryptSHA256Hasher",
    "users.passwords.hashers.bcrypt_hashes.BcryptHasher",
    "users.passwords.hashers.bcrypt_hashes.WordPressHasher",
    "users.passwords.hashers.pbkdf2_hashes.KeycloakPBKDF2Hasher",
    "users.passwords.hashers.pbkdf2_hashes.PHCPBKDF2Hasher",
    "users.passwords.hashers.firebase_scrypt.FirebaseScryptHasher",
    "users.passwords.hashers.phpass_hashes.PHPassHasher",
]

VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "users.signin.password_rules.GuessablePasswordValidator"},
]
