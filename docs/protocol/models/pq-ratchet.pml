/*
 * docs/protocol/07-post-quantum-ratchet.md as an abstract model, written from the document and not from the implementation.
 *
 * Two parties (0 initiator, 1 responder) and a network with at most three messages in flight that loses, repeats and reorders them. Cryptography is
 * ideal: a key and a secret are numbers, each made once. Two chunks an object, a gap of one own message. Repetitions are
 * handed in as if they were new, which is more than the ratchet lets through.
 *
 *   spin -a pq-ratchet.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan      no error: safety, and no state without a successor
 *   the same with spin -DREACH -a                                         an error: two epochs are mixed on both sides
 *   the same with spin -DBROKEN_… -a                                      an error: the model notices what it is there for
 */
#define GOAL 2
#define FLIGHT 3
#define NONE 255

mtype = { idle, offering, ready, collecting, asked, answering };

/* One message: sender's chain, mark of the chain, chunk {epoch, kind 0 none 1 ek 2 ct, index, object}. An answer's object names key and secret. */
typedef Message { byte chain; byte mark; byte epoch; byte kind; byte index; byte key; byte secret };

chan net[2] = [FLIGHT] of { Message };

typedef Party {
  mtype phase;
  byte epoch;      /* the last one mixed */
  bit gap;         /* an own message was sent since */
  byte have;       /* chunks collected, as bits */
  bit next;        /* chunk to send next */
  byte key;        /* ek offered, collected or answered */
  byte secret;     /* ss held, or the one being collected */
  byte chain;      /* own sending chains begun */
  byte known;      /* the peer's newest chain received */
  bit turn;        /* the next message begins a chain */
  byte mark;       /* of the own chain */
};
Party party[2];

/* What each side has mixed as epoch e, and whether a secret was mixed anywhere before. */
typedef Mixed { byte secret[4] };
Mixed mixed[2];
byte made;         /* keys and secrets made so far */

#define other(p) (1 - (p))
/* The initiator (0) sends the key of odd epochs: of the next one while an even one is the last. */
#define sends_key(p) (((party[p].epoch % 2) == 0) == ((p) == 0))

/* So that states do not differ in what is not used any more. */
inline forget()
{
  m.chain = 0; m.mark = 0; m.epoch = 0; m.kind = 0; m.index = 0; m.key = 0; m.secret = 0
}

inline mix(who, what)
{
  assert(what != NONE);
  party[who].epoch = party[who].epoch + 1;
  /* Never before: each secret once. */
  assert(mixed[who].secret[1] != what && mixed[who].secret[2] != what && mixed[who].secret[3] != what);
  mixed[who].secret[party[who].epoch] = what;
  /* Equal, where the other side has it already. */
  assert(mixed[other(who)].secret[party[who].epoch] == 0 || mixed[other(who)].secret[party[who].epoch] == what);
#ifndef BROKEN_MIXED_TWICE
  party[who].phase = idle;
  party[who].secret = 0;
#endif
  party[who].gap = 0;
  party[who].have = 0;
  party[who].key = 0;
  party[who].next = 0;
}

inline write(who)
{
  if
  :: party[who].turn ->
    party[who].turn = 0;
    party[who].chain = party[who].chain + 1;
    party[who].mark = 0;
    if
    :: party[who].phase == ready -> mix(who, party[who].secret); party[who].mark = party[who].epoch
    :: else
    fi
  :: else
  fi;
  if
  :: party[who].phase == idle && sends_key(who) && party[who].gap ->
    made = made + 1; party[who].key = made; party[who].phase = offering; party[who].have = 0; party[who].next = 0
  :: party[who].phase == asked ->
    made = made + 1; party[who].secret = made; party[who].phase = answering; party[who].next = 0
#ifdef BROKEN_ENCAPSULATES_AGAIN
  :: party[who].phase == answering -> made = made + 1; party[who].secret = made
#endif
  :: else
  fi;
  m.chain = party[who].chain;
  m.mark = party[who].mark;
  m.epoch = 0; m.kind = 0; m.index = 0; m.key = 0; m.secret = 0;
  if
  :: party[who].phase == offering && party[who].have == 0 ->
    m.epoch = party[who].epoch + 1; m.kind = 1; m.index = party[who].next; m.key = party[who].key; party[who].next = 1 - party[who].next
  :: party[who].phase == answering ->
    m.epoch = party[who].epoch + 1; m.kind = 2; m.index = party[who].next; m.key = party[who].key; m.secret = party[who].secret; party[who].next = 1 - party[who].next
  :: else
  fi;
  party[who].gap = 1
}

inline take_chunk(who)
{
  if
  :: m.kind == 1 && m.epoch == party[who].epoch + 1 && !sends_key(who) && (party[who].phase == idle || party[who].phase == collecting) ->
    if
    :: party[who].phase == collecting && party[who].key != m.key -> party[who].have = 0
    :: else
    fi;
    party[who].phase = collecting;
    party[who].key = m.key;
    party[who].have = party[who].have | (1 << m.index);
    if
    :: party[who].have == 3 -> party[who].phase = asked; party[who].have = 0
    :: else
    fi
  :: m.kind == 2 && m.epoch == party[who].epoch + 1 && sends_key(who) && party[who].phase == offering ->
    party[who].secret = m.secret;
    party[who].have = party[who].have | (1 << m.index);
    if
    :: party[who].have == 3 ->
      party[who].phase = ready;
      party[who].have = 0;
      /* Decapsulation gives the secret only with the key that it was made for. */
      if
      :: m.key != party[who].key -> party[who].secret = NONE
      :: else
      fi
    :: else
    fi
  :: else
  fi
}

inline read(who)
{
  if
  :: m.chain > party[who].known ->
    /* A new ratchet key: only in answer to one of ours, and one at a time. */
    assert(m.chain == party[who].known + 1 && !party[who].turn);
    if
    :: m.mark != 0 ->
      /* What an honest peer marks is never refused. */
      assert(m.mark == party[who].epoch + 1 && party[who].phase == answering);
      mix(who, party[who].secret)
#ifdef BROKEN_FORGETS_ANSWER
    :: m.mark == 0 && party[who].phase == answering -> party[who].phase = idle
#endif
    :: else
    fi;
    party[who].known = m.chain;
    party[who].turn = 1
  :: else
  fi;
  take_chunk(who);
  forget()
}

#define may_write(p) (party[p].chain > 0 || party[p].turn)
#define under_way (party[0].epoch < GOAL || party[1].epoch < GOAL)
#define room (len(net[0]) + len(net[1]) < FLIGHT)
/* Chains that a side begins: one more than two epochs need, so that whole chains may be lost or wasted. */
#define EXCHANGES 4
#define may_begin(p) (!party[p].turn || party[p].chain < EXCHANGES)

active proctype world()
{
  Message m;
  d_step {
    party[0].phase = idle; party[1].phase = idle;
    /* The initiator's first chain is there, the responder waits for it. */
    party[0].chain = 1
  }
  do
  :: under_way ->
    if
    :: atomic { may_write(0) && may_begin(0) && room -> write(0); net[1]!m; forget() }
    :: atomic { may_write(1) && may_begin(1) && room -> write(1); net[0]!m; forget() }
    /* Lost on the way. */
    :: atomic { may_write(0) && may_begin(0) -> write(0); forget() }
    :: atomic { may_write(1) && may_begin(1) -> write(1); forget() }
    :: atomic { nempty(net[0]) -> net[0]?m; read(0) }
    :: atomic { nempty(net[1]) -> net[1]?m; read(1) }
    /* Delivered and still on its way: a repetition. */
    :: atomic { nempty(net[0]) -> net[0]?m; net[0]!m; read(0) }
    :: atomic { nempty(net[1]) -> net[1]?m; net[1]!m; read(1) }
    /* Overtaken by the one behind it. */
    :: atomic { len(net[0]) > 1 -> net[0]?m; net[0]!m; forget() }
    :: atomic { len(net[1]) > 1 -> net[1]?m; net[1]!m; forget() }
    /* Only when the bound of the model is reached: nothing is in flight and nobody may begin a chain. */
    :: atomic { empty(net[0]) && empty(net[1]) && !(may_write(0) && may_begin(0)) && !(may_write(1) && may_begin(1)) -> break }
    fi
  :: else -> break
  od;
#ifdef REACH
  assert(under_way)
#else
  skip
#endif
}
