"""How the committed contract describes the log over the ledger: hashes, proofs, signatures and keys."""

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from api_schema.describe import operation

TAG = "Log"
ORIGIN = "udvej.example/ledger"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
CHECKPOINT = f"{ORIGIN}\n20852163\n{ROOT}\n\n— {ORIGIN} {SIGNATURE}\n"
HASH = "9f2c0d6a4be1f7c3a1b08d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a"
VKEY = "udvej.example/ledger+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


class InclusionProof(serializers.Serializer[None]):
    """That a leaf is in the tree that a checkpoint signs (RFC 6962 section 2.1.1)."""

    leaf = serializers.CharField(help_text="The leaf hash, hexadecimal.")
    index = serializers.IntegerField(help_text="The leaf's place in the tree, from 0.")
    size = serializers.IntegerField(help_text="The size of the tree.")
    path = serializers.ListField(child=serializers.CharField(), help_text="Hashes, hexadecimal, leaf upwards.")
    checkpoint = serializers.CharField(help_text="The checkpoint of that size, a C2SP signed note.")
    proof = serializers.CharField(help_text="All of this as one text to keep: c2sp.org/tlog-proof@v1.")


class ConsistencyProof(serializers.Serializer[None]):
    """That a tree extends an earlier one (RFC 6962 section 2.1.2)."""

    old_size = serializers.IntegerField()
    new_size = serializers.IntegerField()
    path = serializers.ListField(child=serializers.CharField(), help_text="Hashes, hexadecimal.")
    checkpoint = serializers.CharField(help_text="The checkpoint of the new size, a C2SP signed note.")


class LogKeySerializer(serializers.Serializer[None]):
    vkey = serializers.CharField(help_text="C2SP verifier key.")
    from_size = serializers.IntegerField(help_text="The size of the tree from which it signs.")
    handover = serializers.CharField(allow_null=True, help_text="The note by which the key before it handed over.")


class Keys(serializers.Serializer[None]):
    """Whatever checkpoints and receipts are checked with."""

    origin = serializers.CharField()
    log = LogKeySerializer(many=True)
    policy = serializers.CharField(help_text="Log keys, witnesses and quorum as C2SP tlog-policy.")
    receipts = serializers.DictField(help_text="JWK set (RFC 7517) of the keys that sign receipts.")


read_checkpoint = operation(
    "read_checkpoint",
    "Read the newest checkpoint of the log",
    description="A C2SP tlog-checkpoint with the cosignatures it has. Keep it: it is what catches a log that is "
    "rolled back or shown differently to others.",
    tag=TAG,
    response=OpenApiTypes.STR,
    got=CHECKPOINT,
    queries=[("final", "`true` for the newest that the quorum of witnesses has cosigned.")],
    media_types=["text/plain"],
    problems=["no-checkpoint"],
)
read_tile = operation(
    "read_tile",
    "Read a tile of the log's tree",
    description="Hashes only, as C2SP tlog-tiles: `{level}/{index}[.p/{width}]`, the index in groups of three digits "
    "such as `x001/x234/067`. A tile never changes.",
    tag=TAG,
    response=OpenApiTypes.BINARY,
    got="the bytes",
    media_types=["application/octet-stream"],
)
prove_inclusion = operation(
    "prove_inclusion",
    "Prove that an entry is in the log",
    description="Asked by the leaf hash that the receipt names. An entry is sealed within a second or so.",
    tag=TAG,
    response=InclusionProof,
    got={
        "leaf": HASH,
        "index": 41,
        "size": 20852163,
        "path": [HASH, HASH],
        "checkpoint": CHECKPOINT,
        "proof": f"c2sp.org/tlog-proof@v1\nindex 41\n{ROOT}\n{ROOT}\n\n{CHECKPOINT}",
    },
    queries=[("leaf", "The leaf hash, hexadecimal."), ("size", "Of a checkpoint you keep; else the newest's.")],
    problems=["leaf-not-in-log", "no-checkpoint"],
)
prove_consistency = operation(
    "prove_consistency",
    "Prove that the log still holds what it held",
    description="From the size of a checkpoint you keep to that of the newest, or of another.",
    tag=TAG,
    response=ConsistencyProof,
    got={"old_size": 20852014, "new_size": 20852163, "path": [HASH, HASH], "checkpoint": CHECKPOINT},
    queries=[("old_size", "Of the checkpoint you keep, from 1."), ("new_size", "Of a later one; else the newest's.")],
    problems=["no-checkpoint"],
)
read_keys = operation(
    "read_keys",
    "Read the keys of the log and of receipts",
    description="Public, and asked for without a token: compare them with those you got elsewhere.",
    tag=TAG,
    response=Keys,
    got={
        "origin": ORIGIN,
        "log": [{"vkey": VKEY, "from_size": 0, "handover": None}],
        "policy": f"log {VKEY}\nquorum none\n",
        "receipts": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},
    },
)
