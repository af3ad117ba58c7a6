"""Passwords that are tried first: the words they are made of, however they are dressed up."""

# The letters that are left of the most used passwords (English and pinyin), of keyboards' rows, and of
# what people call this box and where it stands. A short list on purpose: length and classes do the rest.
WORDS = (
    "password", "passwort", "passphrase", "passwd", "letmein", "welcome", "changeme", "default",
    "secret", "login", "master", "monkey", "dragon", "iloveyou", "sunshine", "princess", "football",
    "baseball", "superman", "trustno", "shadow", "hello", "freedom", "whatever", "qwerty", "qwertyuiop",
    "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "qazwsx", "qazwsxedc", "qweasd", "qweasdzxc", "abc",
    "abcd", "abcdef", "abcdefg", "abcdefgh", "admin", "administrator", "root", "toor", "user", "guest",
    "test", "temp", "demo", "system", "server", "manager", "operator", "woaini", "wodemima", "mima",
    "nihao", "zhangsan", "wangwei", "beijing", "shanghai", "zhongguo", "china", "yiyuan", "yisheng",
    "hospital", "doctor", "nurse", "medical", "health", "hbox", "yihe", "huawei", "lenovo", "inspur",
    "spring", "summer", "autumn", "winter", "monday", "january",
)  # fmt: skip

_DRESS = str.maketrans("0134578@$!|+", "oieastbasilt")
_OTHER = str.maketrans("1!|", "lll")


def well_known(password: str) -> bool:
    """Whether `password` is only well-known words: repeated, with digits and signs around or for letters."""
    small = password.lower()
    core = small.strip(
        "".join({c for c in small if not c.isalpha()})
    )  # what follows a word is no letter
    return any(
        _only_words("".join(c for c in form if c.isalpha()))
        for form in (small, core.translate(_DRESS), core.translate(_OTHER).translate(_DRESS))
    )


def _only_words(letters: str) -> bool:
    # Which beginnings can be put together from the words; a stretch of one letter is no word.
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(letters.endswith(word, 0, end) and end - len(word) in reached for word in WORDS):
            reached.add(end)
    return len(letters) in reached or len(set(letters)) < 3
