"""Templates that are out to use time, memory or Python: each must end in bounds."""

from __future__ import annotations

HOSTILE: dict[str, str] = {
    "nested ranges": "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}",
    "filtered for": "{% for a in range(99999) if range(99999)|list|length < 0 %}x{% endfor %}",
    "mult": "{{ 'a' * 1000000000 }}",
    "mult2": "{{ 1000000000 * 'a' }}",
    "mul list": "{{ ([0] * 1000000000)|length }}",
    "pow": "{{ 9**9**9 }}",
    "pow2": "{% set n=namespace(x=9) %}{% for i in range(60) %}{% set n.x = n.x*n.x %}{% endfor %}{{ n.x }}",
    "double ~": "{% set n=namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "double +": "{% set n=namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "double list +": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "double set": "{% set n=namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set y %}{{n.x}}{{n.x}}{% endset %}{% set n.x=y %}{% endfor %}",
    "dag print": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ n.x }}",
    "dag ==": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ n.x == n.y }}",
    "dag in": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ n.x in [n.y] }}",
    "dag hash": "{% set n=namespace(x=(1,2)) %}{% for i in range(40) %}{% set n.x = (n.x,n.x) %}{% endfor %}{{ {n.x: 1}|length }}",
    "dag hash get": "{% set n=namespace(x=(1,2)) %}{% for i in range(40) %}{% set n.x = (n.x,n.x) %}{% endfor %}{{ {}[n.x] }}",
    "dag hash .get": "{% set n=namespace(x=(1,2)) %}{% for i in range(40) %}{% set n.x = (n.x,n.x) %}{% endfor %}{{ {}.get(n.x) }}",
    "dag tojson": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ n.x|tojson }}",
    "dag string": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ n.x|string|length }}",
    "dag test": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ n.x is eq(n.y) }}",
    "dag test in": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ 1 is in([n.x]) }}",
    "dag selectattr": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ [n.x]|select('eq', n.y)|list|length }}",
    "dag concat": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ 'a' ~ n.x }}",
    "dag %": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ '%s' % n.x }}",
    "dag % tuple": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x,n.x] %}{% endfor %}{{ '%s' % (n.x,) }}",
    "dag index": "{% set n=namespace(x=[1],y=[1]) %}{% for i in range(40) %}{% set n.x = [n.x,n.x] %}{% set n.y=[n.y,n.y] %}{% endfor %}{{ [n.x].index(n.y) }}",
    "replace": "{{ ('a' * 10000000)|replace('a', 'b' * 10000) }}",
    "replace m": "{{ ('a' * 1000000).replace('a', 'b' * 100000) }}",
    "replace empty": "{{ ('a' * 1000000).replace('', 'b' * 100000) }}",
    "center": "{{ 'a'|center(1000000000) }}",
    "ljust": "{{ 'a'.ljust(1000000000) }}",
    "zfill": "{{ 'a'.zfill(1000000000) }}",
    "expandtabs": "{{ ('\t'*100000).expandtabs(100000) }}",
    "fmt %": "{{ '%1000000000d' % 1 }}",
    "fmt": "{{ '{:1000000000}'.format(1) }}",
    "fmt nested": "{{ '{:{w}}'.format(1, w=1000000000) }}",
    "fmt *": "{{ '%*d' % (1000000000, 1) }}",
    "format filter": "{{ '%1000000000d'|format(1) }}",
    "fmt repeated": "{{ ('{0}' * 100000).format('a' * 1000000) }}",
    "fmt index": "{{ '{0[0]}{0[0]}'.format(['a'*10000000]) }}",
    "join": "{{ range(100000)|join('a' * 10000000) }}",
    "join m": "{{ ('a'*10000000).join(['x']*10000) }}",
    "join gen": "{{ (range(100000)|map('string'))|join('a'*1000000) }}",
    "indent": "{{ ('\n' * 10000000)|indent(100000) }}",
    "indent s": "{{ ('\n' * 1000000)|indent('a'*100000) }}",
    "wordwrap": "{{ ('a' * 1000000)|wordwrap(1, true, 'b'*100000) }}",
    "lipsum": "{{ lipsum(1000000) }}",
    "tojson indent": "{{ [[1]]|tojson(indent=1000000000) }}",
    "macro recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "macro 2^n": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "loop recursive": "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
    "caller": "{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}",
    "sum lists": "{{ ([[1]*1000]*10000)|sum(start=[])|length }}",
    "batch": "{{ []|batch(1000000000, 'x')|list|length }}",
    "slice": "{{ [1]|slice(1000000000)|list|length }}",
    "range": "{{ range(10**9)|list }}",
    "sort": "{% for i in range(99999) %}{% set x = range(99999)|list|sort %}{% endfor %}",
    "split": "{% for i in range(99999) %}{% set x = ('a ' * 1000000).split() %}{% endfor %}",
    "attr": "{{ ''.__class__.__mro__ }}",
    "attr filter": "{{ ''|attr('__class__') }}",
    "globals": "{{ range.__globals__ }}",
    "cycler": "{{ cycler.__init__.__globals__ }}",
    "fmt attr": "{{ '{0.__class__}'.format(1) }}",
    "self": "{{ self._TemplateReference__context }}",
    "ctx": "{{ namespace.__init__ }}",
    "env": "{{ environment }}",
    "map attr": "{{ [1]|map(attribute='__class__')|list }}",
    "format_map": "{{ '{a.__class__}'.format_map({'a':1}) }}",
    "urlize": "{{ ('http://' * 1000000)|urlize }}",
    "striptags": "{{ ('<' * 5000000)|striptags }}",
    "title": "{{ ('a'*10000000)|title|length }}",
    "many big": "{% for i in range(1000) %}{% set x = ('a' * 10000000)|upper %}{% endfor %}",
    "truncate": "{{ ('a ' * 100000)|truncate(100000000) }}",
    "xmlattr": "{{ {'a': 'b' * 10000000}|xmlattr }}",
    "unique": "{{ range(99999)|unique|list|length }}",
    "groupby": "{{ range(99999)|groupby('x')|list|length }}",
    "deep": "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "deep paren": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "many ifs": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "joiner": "{% for i in range(10) %}{{ joiner('a'*10000000)() }}{% endfor %}",
    "pprint": "{{ (range(99999)|list)|pprint|length }}",
    "slice str": "{{ ('a'*10000000)[::-1]|length }}",
    "block": "{% block a %}{{ self.a() }}{% endblock %}",
    "+ str ints": "{% set n=namespace(x=1) %}{% for i in range(10000) %}{% set n.x = n.x*1000000007 %}{% endfor %}{{ n.x }}",
    "shift": "{{ 2**19999 * 2**19999 }}",
    "dict": "{{ dict(a='x'*10000000) }}",
    "percent mapping": "{{ '%(a)s%(a)s%(a)s' % {'a': 'x'*9000000} }}",
    "fmt conv": "{{ '{0!r}'.format('\x00'*10000000)|length }}",
    "tojson str": "{{ ('\x00'*19000000)|tojson|length }}",
    "e": "{{ ('\x00'*19000000)|escape|length }}",
    "urlencode": "{{ ('é'*19000000)|urlencode|length }}",
    "dictsort": "{{ dict(a=1)|dictsort|length }}",
    "filesizeformat": "{{ 10**19999|filesizeformat }}",
    "int": "{{ ('9'*100000)|int }}",
    "float": "{{ ('9'*1000000)|float }}",
    "round": "{{ 1.5|round(1000000000) }}",
    "abs": "{{ -1|abs }}",
    "sum of sums": "{{ [range(99999)|list]|map('sum')|list|sum }}",
    "rfind": "{{ ('a'*300000).rfind('ab' ~ 'a'*150000) }}",
    "rindex": "{{ ('a'*300000).rindex('ab' ~ 'a'*150000) }}",
    "rsplit": "{{ ('a'*300000).rsplit('ab' ~ 'a'*150000)|length }}",
    "rpartition": "{{ ('a'*300000).rpartition('ab' ~ 'a'*150000)|length }}",
    "strip": "{{ ('a'*300000).strip('b'*300000 ~ 'a') }}",
    "count": "{{ ('a'*900000).count('a'*300000 ~ 'b') }}",
    "find": "{{ ('aab'*100000).find('ab'*50000 ~ 'aa') }}",
    "fmt colons": "{{ (':'*300000).format(1)|length }}",
    "fmt widths": "{{ ('{0:9999}' * 30000).format(1)|length }}",
    "fmt precisions": "{{ ('{0:.9999f}' * 30000).format(1)|length }}",
    "fmt bits": "{{ ('{0:b}' * 60000).format(2**7000)|length }}",
    "fmt fields": "{{ ('{0}' * 300000).format('') }}",
    "% widths": "{{ (('%(a)9999d' * 30000) % {'a': 1})|length }}",
    "% nested key": "{{ (('%(a(b))9999d' * 30000) % {'a(b)': 1})|length }}",
    "% bytes": "{{ ('%1000000000d'.encode() % 1)|length }}",
    "* bytes": "{{ ('a'.encode() * 1000000000)|length }}",
    "to_bytes": "{{ (1).to_bytes(1000000000, 'big')|length }}",
    "translate": "{{ ('a'*100000).translate({97: 'b'*3000})|length }}",
    "join generator": "{{ ('a'*10000).join(range(30000)|map('string'))|length }}",
    "join keywords": "{{ range(30000)|join(attribute='real', d='a'*10000)|length }}",
    "replace keywords": "{{ ('a'*100000)|replace(new='b'*3000, old='a')|length }}",
    "replace list": "{{ [('a'*100000)]|replace('a', 'b'*3000)|length }}",
    "tojson separators": "{{ ([1]*300)|tojson(separators=('a'*900000, ':'))|length }}",
    "tojson nested": "{% set n=namespace(x=1) %}{% for i in range(150) %}{% set n.x = [1]*400 + [n.x] %}{% endfor %}{{ n.x|tojson(indent=64)|length }}",
    "tojson control": "{{ ['\x00'*900000]|tojson|length }}",
    "repr": "{{ ['\U000e0001'*900000] }}",
    "hex //": "{% set x = ('f'*900000)|int(base=16) %}{{ (x // (x - 1)) is even }}",
    "hex literal": "{{ 0x" + "f" * 100000 + " is even }}",
    "big integers": "{{ ([2**7000]*900000)|string|length }}",
    "+ integers": "{% set n=namespace(x=1) %}{% for i in range(19000) %}{% set n.x = n.x+n.x %}{% endfor %}{{ n.x is even }}",
    "dag items": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x={'a':n.x,'b':n.x} %}{% endfor %}{{ n.x.items() }}",
    "dag values": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x={'a':n.x,'b':n.x} %}{% endfor %}{{ n.x.values() ~ '' }}",
    "dag namespace": "{% set n=namespace(x=[1]) %}{% for i in range(60) %}{% set n.x=namespace(a=n.x,b=n.x) %}{% endfor %}{{ n.x }}",
    "namespace in itself": "{% set n=namespace() %}{% set n.x=n %}{{ n }}",
    "kept split": "{% set s = 'aa ' * 300000 %}{% set n=namespace(x=0) %}{% for i in range(99) %}{% set n.x = [n.x, s.split()] %}{% endfor %}",
    "kept splitlines": "{% set s = '\n' * 900000 %}{% set n=namespace(x=0) %}{% for i in range(99) %}{% set n.x = [n.x, s.splitlines()] %}{% endfor %}",
    "kept partition": "{% set s = 'a' * 900000 %}{% set n=namespace(x=0) %}{% for i in range(999) %}{% set n.x = [n.x, s.partition('b')] %}{% endfor %}",
    "kept list": "{% set s = 'a' * 900000 %}{% set n=namespace(x=0) %}{% for i in range(99) %}{% set n.x = [n.x, s|list] %}{% endfor %}",
    "kept batch": "{{ ('a' * 900000)|batch(1)|list|length }}",
    "kept ranges": "{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x, range(100000)|list] %}{% endfor %}",
    "kept slices": "{% set s = [1]*100000 %}{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x, s[:]] %}{% endfor %}",
    "kept text slices": "{% set s = 'a'*900000 %}{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x, s[1:]] %}{% endfor %}",
    "kept upper": "{% set s = 'a'*900000 %}{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x, s.upper()] %}{% endfor %}",
    "kept bytes": "{% set s = 'a'*900000 %}{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x, s.encode()] %}{% endfor %}",
    "kept literals": "{% set n=namespace(x=0) %}{% for i in range(9999) %}{% set n.x = [n.x,"
    + "[]," * 1000
    + "] %}{% endfor %}",
    "kept arguments": "{% set n=namespace(x=0) %}{% macro f() %}{% set n.x=[n.x,varargs] %}{% endmacro %}{% for i in range(9999) %}{{ f(*range(100000)) }}{% endfor %}",
    "kept pieces": "{% macro f() %}{% for i in range(9999) %}"
    + "{{ i }}" * 1000
    + "{% endfor %}{% endmacro %}{{ f() }}",
    "same hashes": "{{ range(0, 100000*(2**61-1), 2**61-1)|unique|list|length }}",
    "same hashes, dict": "{{ dict.fromkeys(range(0, 100000*(2**61-1), 2**61-1))|length }}",
    "select in": "{{ range(100000)|select('in', range(100000, 200000)|list)|list|length }}",
    "sort of a generator": "{{ (['a'*900000 ~ 'b', 'a'*900000 ~ 'c']*5000)|reverse|sort|length }}",
    "in a list": "{{ ('a'*900000 ~ 'b') is in(['a'*900000 ~ 'c']*10000) }}",
    "index in a list": "{{ (['a'*900000 ~ 'c']*10000).index('a'*900000 ~ 'b') }}",
    "steps of an attribute": "{{ range(100000)|map(attribute='real" + ".real" * 1000 + "')|list|length }}",
    "maps of maps": "{{ range(100000)" + "|map(attribute='real.real.real.real.real')" * 100 + "|list|length }}",
    "wordwrap 1": "{{ ('a' * 900000)|wordwrap(1)|length }}",
    "time": "{{ strftime_now('%A' * 400000)|length }}",
    "upper": "{{ ('ΐ' * 900000)|upper|length }}",
    "str.upper": "{{ ('ΐ' * 900000).upper()|length }}",
    "autoescape": "{% autoescape true %}{{ '&' * 900000 }}{% endautoescape %}",
    "punycode": "{{ ('é' * 300000).encode('punycode')|length }}",
    "namereplace": "{{ ('\U000e0001' * 90000).encode('ascii', 'namereplace')|length }}",
    "maketrans": "{{ 'a'.maketrans('a' * 900000, 'b' * 900000)|length }}",
    "many prints": "{{a}}" * 40_000,
    "many macros": "".join(f"{{% macro m{i}() %}}{{% endmacro %}}" for i in range(9_000)),
    "many names": "{{ dict(" + ",".join(f"a{i}=1" for i in range(30_000)) + ")|length }}",
    "unknown key": "{{ {}['a' * 900000].b }}",
}

HARMLESS = frozenset(
    (
        "abs",
        "attr filter",
        "count",
        "ctx",
        "dag test in",
        "dict",
        "dictsort",
        "env",
        "find",
        "float",
        "fmt colons",
        "fmt attr",
        "format_map",
        "globals",
        "int",
        "joiner",
        "map attr",
        "pow",
        "self",
        "slice str",
        "sum of sums",
        "title",
        "unique",
    )
)
"""Those that end well: what they ask for is refused in silence (an undefined value), or small."""

HONEST = """
'aXb'.capitalize() | 'ab'.center(7, '*') | 'aab'.count('a') | 'aé'.encode('utf-8') | 'ab'.encode() | 'ab'.endswith('b')
'a\\tb'.expandtabs(3) | 'abab'.find('b') | '{:>5}{x!r}{0[a]}'.format({'a': 1}, x='y') | '{a}'.format_map({'a': 2})
'{:05d}|{:.3f}|{{}}'.format(7, 2.5) | 'ab'.index('b') | '-'.join(['a', 'b']) | '-'.join('abc') | ''.join({'a': 1})
'ab'.ljust(5) | 'ab'.rjust(5, '.') | '7'.zfill(4) | ' a '.strip() | 'xax'.strip('x') | 'xax'.lstrip('x') | 'AB'.lower()
'a.b.c'.partition('.') | 'a.b.c'.rpartition('.') | 'abc'.removeprefix('a') | 'abc'.removesuffix('c')
'aaa'.replace('a', 'bb') | 'aaa'.replace('a', 'bb', 1) | 'aaa'.replace('', '-') | 'abab'.rfind('a') | 'abab'.rindex('a')
'a,b,c'.split(',') | 'a b  c'.split() | 'a,b,c'.split(',', 1) | 'a,b,c'.rsplit(',', 1) | 'a b'.rsplit(none, 1)
'a\\nb\\r\\nc'.splitlines() | 'ab'.startswith(('x', 'a')) | 'aB'.swapcase() | 'a b'.title() | 'ab'.translate({97: 'xy'})
'ß'.upper() | 'ß'.casefold() | 'a1'.isalnum() | 'ab'.encode().decode() | 'ab'.encode().hex() | 'a'.maketrans('a', 'b')
'%s-%d-%5.2f-%%' % ('a', 3, 1.5) | '%(a)s' % {'a': 1} | 'in 2000000024. %s' % 'x' | 'a' * 3 | 2 * 'a' | [1] * 2 | 'a' + 'b'
[1] + [2] | (1,) + (2,) | 2 ** 10 | 7 // 2 | 7 / 2 | 7 - 9 | -7 | 7 % 4 | 1.5 * 2 | -1.5 | 10 ** -1 | 0 ** 5 | {}.keys() - [1]
'abc'[1:] | 'abc'[::-1] | [1, 2, 3][:2] | (1, 2, 3)[1:] | 'abc'[-1] | range(9)[2:4]
{'a': 1}.items() | {'a': 1}.get('a') | {'a': 1}.copy() | [1, 2].index(2) | [1, 1].count(1) | (1).bit_length() | 1.5.hex()
(5).to_bytes(2, 'big') | dict([('a', 1)]) | dict(a=1) | dict(a=1).keys()|list | namespace(a=1).a | range(3)|list
-1|abs | [1, 2, 3]|batch(2, 'x')|list | 'ab'|capitalize | 'ab'|center(6) | [1]|count | x|d('y') | {'b': 1, 'a': 2}|dictsort
'<&>'|e | '<&>'|escape | '<'|forceescape | 1500|filesizeformat | [1, 2]|first | '1.5'|float | '%s-%s'|format('a', 2)
'%(a)s'|format(a=1) | [{'a': 1}, {'a': 2}]|groupby('a')|list | 'a\\nb'|indent | 'a\\nb'|indent(2, true) | 'a\\n\\nb'|indent(width='>>', blank=true)
'12'|int | 'ff'|int(base=16) | 'x'|int(5) | {'a': 1}|items|list | [1, 2]|join('-') | [{'a': 1}]|join(attribute='a', d='-')
[1, 2]|last | 'abc'|length | 'ab'|list | 'AB'|lower | [{'a': 1}]|map(attribute='a')|list | ['a']|map('upper')|list
[1, 2]|max | [1, 2]|min | [{'a': 1}]|max(attribute='a') | [1, 2]|reject('odd')|list | [{'a': 1}]|rejectattr('a')|list
'aab'|replace('a', 'x') | 'aab'|replace('a', 'x', 1) | 'aab'|replace(new='x', old='a') | 121|replace(1, 'x') | 'abc'|reverse
[1, 2]|reverse|list | 2.567|round(1) | 2.5|round(0, 'ceil') | '<'|safe | [1, 2]|select('odd')|list | [1, 2]|slice(2)|list
[{'a': 1}]|selectattr('a', 'eq', 1)|list | [2, 1]|sort | [{'a': 2}, {'a': 1}]|sort(attribute='a') | [2, 1]|sort(reverse=true)
[1, 'a']|string | '<b>x</b>'|striptags | [1, 2]|sum | [{'a': 1}]|sum('a') | [1]|sum(start=2) | 'a b'|title | ' a '|trim | 'xax'|trim('x')
'a b c d e f'|truncate(5) | 'a b c d'|truncate(3, true, '..', 0) | 'abc'|truncate(length=2, leeway=0) | [1, 1]|unique|list
'ab'|upper | 'a b&é'|urlencode | {'a': 'b c'}|urlencode | 'http://a.b'|urlize | 'a b'|wordcount | 'a b c'|wordwrap(1)
{'a': 1}|xmlattr | []|map('upper')|list | none|string | 5|string | 5|upper | [1]|pprint | x|list | x|map('upper')|list
[]|map()|list | 5|list | 'a'|int(base='x') | 'a'.center('b') | 'a'.split('') | 'a'.split(1) | ''.join(5) | 'a'.replace(1, 2)
'a'|center('b') | 'a'|indent([]) | {}|join | 'a'|format | '%d' % 'a' | '%' % 1 | '{' .format() | '{}'.format() | 'a'.encode('foo')
"""
"""Expressions that jinja gives a text or an error for, and so have we."""
